// SPDX-License-Identifier: BSD-3-Clause
#define SD_JOURNAL_SUPPRESS_LOCATION  // every entry would name this file
#include "log/journal.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "log/format.h"

namespace smtpscope::log {
namespace {

// sd_journal_sendv hands the kernel two pieces a field, five if there is a line feed in it, and the kernel takes 1024
// (IOV_MAX); beyond that it fails with EINVAL. (journald's own limit, 1024 fields, is not reached.)
constexpr std::size_t most_pieces = 1000;

std::size_t pieces_of(std::string_view value) {
    return value.find('\n') == std::string_view::npos ? 2 : 5;
}

}  // namespace

JournalEntry::JournalEntry(int priority, std::string_view message) {
    add("MESSAGE=", message);
    add("PRIORITY=", std::to_string(priority));
    add("SYSLOG_IDENTIFIER=", "smtpscope");
}

void JournalEntry::add(std::string_view key_with_equals, std::string_view value) {
    if (pieces_ + pieces_of(value) > most_pieces) {
        ++left_out_;
        return;
    }
    pieces_ += pieces_of(value);
    bytes_.append(key_with_equals).append(value);
    ends_.push_back(bytes_.size());
}

void JournalEntry::add_one(const Column& column, const Value& value) {
    if (std::holds_alternative<std::monostate>(value)) return;
    if (const auto* texts = std::get_if<std::span<const std::string>>(&value)) {
        for (const std::string& t : *texts) add(column.journal_key, t);
    } else if (const auto* addresses = std::get_if<std::span<const Address>>(&value)) {
        for (const Address& a : *addresses) add(column.journal_key, a.to_string());
    } else {
        std::string text;
        append_plain(text, value);
        add(column.journal_key, text);
    }
}

void JournalEntry::add(const Stream& stream, std::span<const Value> values) {
    add("SMTP_STREAM=", stream.name);
    // Lists last: when there is no room for all, the recipients are cut short, not what was said about them.
    const auto is_list = [](const Value& v) {
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

int JournalEntry::send() const {
    // sd_journal_sendv says that all is well when nobody listens.
    if (::access("/run/systemd/journal/socket", F_OK) != 0) return ENOTCONN;
    std::vector<iovec> parts;
    for (const std::string_view f : fields()) parts.push_back({const_cast<char*>(f.data()), f.size()});
    return -::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
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
