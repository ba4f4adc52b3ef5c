// SPDX-License-Identifier: BSD-3-Clause
// Digits, letters and case of ASCII, whatever the locale. Other bytes belong to none of these classes and stay as they
// are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace smtpscope {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}
constexpr bool is_letter(char c) {
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || is_letter(c);
}

/// The value of a hexadecimal digit in either case; negative for every other character.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view begin) {
    return text.size() >= begin.size() && equals_ignoring_case(text.substr(0, begin.size()), begin);
}

/// Where `part` stands in the text; npos if nowhere.
constexpr std::size_t find_ignoring_case(std::string_view text, std::string_view part, std::size_t from = 0) {
    for (std::size_t i = from; i + part.size() <= text.size(); ++i)
        if (starts_with_ignoring_case(text.substr(i), part)) return i;
    return std::string_view::npos;
}

}  // namespace smtpscope
