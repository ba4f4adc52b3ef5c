// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::mime {

/// Appends what a line in quoted-printable (RFC 2045, 6.7) stands for, without its end. White space at its end is not
/// of the content; `=` before anything but two hexadecimal digits stands for itself, as do octets that ought to have
/// been encoded. False if the line is continued by the next one (a soft line break).
bool decode_quoted_printable(std::string_view line, std::string& out);

/// The value of a hexadecimal digit in either case; negative for every other character.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

}  // namespace smtpscope::mime
