// SPDX-License-Identifier: BSD-3-Clause
#include "agent/json.h"

#include <cstdio>

#include "format/escape.h"

namespace smtpscope::agent {

void JsonWriter::separate() {
    if (need_comma_) text_ += ',';
    need_comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    text_ += bracket;
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    text_ += bracket;
    need_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    format::append_json_string(text_, name);
    text_ += ':';
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    format::append_json_string(text_, text);
    return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
    separate();
    text_ += std::to_string(number);
    return *this;
}

JsonWriter& JsonWriter::value(double number) {
    separate();
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.3f", number);
    text_ += digits;
    return *this;
}

std::string unquoted(std::string_view written) {
    constexpr std::string_view letters = "bfnrt", meanings = "\b\f\n\r\t";
    std::string text;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] != '\\' || i + 1 == written.size()) {
            text += written[i];
            continue;
        }
        const std::size_t letter = letters.find(written[++i]);
        text += letter == letters.npos ? written[i] : meanings[letter];
    }
    return text;
}

}  // namespace smtpscope::agent
