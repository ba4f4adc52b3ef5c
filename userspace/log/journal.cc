// SPDX-License-Identifier: BSD-3-Clause
#include "log/journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "format/lines.h"

namespace smtpscope::log {
namespace {

// journald silently drops entries of more than 1024 fields.
constexpr std::size_t most_fields = 1000;

/// `KEY=value`, or its other form where the value has several lines: KEY, its length in eight bytes, the value.
void append_field(std::string& out, std::string_view field) {
    if (field.find('\n') == std::string_view::npos) {
        out.append(field).append(1, '\n');
        return;
    }
    const std::size_t equals = field.find('=');
    const std::string_view value = field.substr(equals + 1);
    out.append(field.substr(0, equals)).append(1, '\n');
    for (unsigned shift = 0; shift < 64; shift += 8) out.append(1, static_cast<char>(value.size() >> shift & 0xff));
    out.append(value).append(1, '\n');
}

}  // namespace

JournalEntry::JournalEntry(int priority, std::string_view message) {
    add("MESSAGE=", message);
    add("PRIORITY=", std::to_string(priority));
    add("SYSLOG_IDENTIFIER=", "smtpscope");
}

void JournalEntry::add(std::string_view key_with_equals, std::string_view value) {
    if (ends_.size() == most_fields) {
        ++left_out_;
        return;
    }
    bytes_.append(key_with_equals).append(value);
    ends_.push_back(bytes_.size());
}

void JournalEntry::add_one(const format::Column& column, const format::Value& value) {
    if (std::holds_alternative<std::monostate>(value)) return;
    if (const auto* texts = std::get_if<std::span<const std::string>>(&value)) {
        for (const std::string& t : *texts) add(column.journal_key, t);
    } else if (const auto* addresses = std::get_if<std::span<const Address>>(&value)) {
        for (const Address& a : *addresses) add(column.journal_key, a.to_string());
    } else {
        std::string text;
        format::append_plain(text, value);
        add(column.journal_key, text);
    }
}

void JournalEntry::add(const format::Stream& stream, std::span<const format::Value> values) {
    add("SMTP_STREAM=", stream.name);
    // Lists last: when there is no room for all, recipients are left out, and not the fields about them.
    const auto is_list = [](const format::Value& v) {
        return std::holds_alternative<std::span<const std::string>>(v) ||
               std::holds_alternative<std::span<const Address>>(v);
    };
    for (const bool lists : {false, true})
        for (std::size_t i = 0; i < values.size(); ++i)
            if (is_list(values[i]) == lists) add_one(stream.columns[i], values[i]);
    if (left_out_ == 0) return;
    bytes_.append("SMTP_FIELDS_LEFT_OUT=").append(std::to_string(left_out_));
    ends_.push_back(bytes_.size());
}

std::vector<std::string_view> JournalEntry::fields() const {
    std::vector<std::string_view> all;
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
        all.push_back(std::string_view(bytes_).substr(begin, end - begin));
        begin = end;
    }
    return all;
}

std::string JournalEntry::datagram() const {
    std::string out;
    out.reserve(bytes_.size() + ends_.size() + 64);
    for (const std::string_view f : fields()) append_field(out, f);
    return out;
}

bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (!stream || ::fstat(STDERR_FILENO, &status) != 0) return false;
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

bool under_systemd() {
    return std::getenv("JOURNAL_STREAM") || std::getenv("INVOCATION_ID");
}

}  // namespace smtpscope::log
