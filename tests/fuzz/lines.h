// SPDX-License-Identifier: BSD-3-Clause
// What a line of a log has to be, whatever is in the record.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "format/lines.h"
#include "fuzz.h"

namespace smtpscope::fuzz {

/// RFC 8259, as far as a flat record goes: objects of strings, numbers, booleans and arrays of these.
class JsonReader {
  public:
    explicit JsonReader(std::string_view text) : text_(text) {}

    /// The number of members of the object that the text consists of.
    std::size_t object() {
        std::size_t members = 0;
        take('{');
        while (!text_.starts_with('}')) {
            if (members++ > 0) take(',');
            string();
            take(':');
            value();
        }
        take('}');
        ENSURE(text_.empty());
        return members;
    }

  private:
    void take(char c) {
        ENSURE(text_.starts_with(c));
        text_.remove_prefix(1);
    }
    void value() {
        ENSURE(!text_.empty());
        for (const std::string_view word : {"true", "false", "null"})
            if (text_.starts_with(word)) return text_.remove_prefix(word.size());
        if (text_[0] == '"') return string();
        if (text_[0] == '[') return array();
        number();
    }
    void array() {
        take('[');
        for (bool first = true; !text_.starts_with(']'); first = false) {
            if (!first) take(',');
            value();
        }
        take(']');
    }
    void number() {
        if (text_[0] == '-') text_.remove_prefix(1);
        const std::size_t n = std::min(text_.find_first_not_of("0123456789."), text_.size());
        ENSURE(n > 0 && text_[0] != '.' && text_[n - 1] != '.' &&
               text_.substr(0, n).find('.') == text_.substr(0, n).rfind('.'));
        ENSURE(n == 1 || text_[0] != '0' || text_[1] == '.');
        text_.remove_prefix(n);
    }
    void string() {
        take('"');
        while (!text_.starts_with('"')) {
            ENSURE(!text_.empty() && static_cast<unsigned char>(text_[0]) >= 0x20);
            if (text_[0] == '\\') {
                ENSURE(text_.size() > 1 && std::string_view("\"\\/bfnrt").find(text_[1]) != std::string_view::npos);
                text_.remove_prefix(2);
                continue;
            }
            const Character c = decode_utf8(text_);
            ENSURE(c.length > 0);
            text_.remove_prefix(c.length);
        }
        take('"');
    }

    std::string_view text_;
};

/// One line, with its line feed at the end.
inline void ensure_one_line(std::string_view line) {
    ENSURE(line.ends_with('\n') && line.find_first_of("\r\n") == line.size() - 1);
}

/// The record in every format.
template <typename Record>
void check_lines(const Record& rec) {
    std::vector<format::Value> values;
    format::read_values(rec, values);
    const format::Stream& stream = format::stream_of(rec);
    std::string json, tsv, brief;
    format::append_json(json, stream, values);
    ensure_one_line(json);
    json.pop_back();
    std::size_t set = 0;
    for (const format::Value& v : values) set += std::holds_alternative<std::monostate>(v) ? 0 : 1;
    ENSURE(JsonReader(json).object() == set);

    format::append_tsv(tsv, values);
    ensure_one_line(tsv);
    tsv.pop_back();
    ENSURE(static_cast<std::size_t>(std::count(tsv.begin(), tsv.end(), '\t')) + 1 == stream.columns.size());
    std::string_view left = tsv;
    for (const format::Value& v : values) {
        const std::string_view column = left.substr(0, left.find('\t'));
        left.remove_prefix(std::min(left.size(), column.size() + 1));
        ENSURE((column == "-") == std::holds_alternative<std::monostate>(v));
        for (const char c : column) ENSURE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }

    format::append_brief(brief, rec.ts, rec.id, format::summary(rec));
    for (std::string_view text = brief; !text.empty();) {
        const Character c = decode_utf8(text);
        ENSURE(c.length > 0 && is_visible(c.code));
        text.remove_prefix(c.length);
    }
}

}  // namespace smtpscope::fuzz
