// SPDX-License-Identifier: BSD-3-Clause
#include "agent/json.h"

#include <charconv>
#include <cstdio>

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
    quote(name);
    text_ += ':';
    need_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
    separate();
    quote(text);
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

void JsonWriter::quote(std::string_view text) {
    text_ += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            text_ += '\\';
            text_ += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            // Names of interfaces and messages of the system: bytes beyond ASCII are shown, not trusted to be UTF-8.
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            text_ += escaped;
        } else {
            text_ += c;
        }
    }
    text_ += '"';
}

std::string unquoted(std::string_view written) {
    constexpr std::size_t digits = 4;
    std::string text;
    for (std::size_t i = 0; i < written.size(); ++i) {
        const bool escaped = written[i] == '\\' && i + 1 < written.size();
        if (escaped) ++i;
        if (!escaped || written[i] != 'u') {
            text += written[i];
            continue;
        }
        const std::string_view code = written.substr(i + 1, digits);
        unsigned byte = 0;
        std::from_chars(code.data(), code.data() + code.size(), byte, 16);
        text += static_cast<char>(byte);
        i += digits;
    }
    return text;
}

}  // namespace smtpscope::agent
