// SPDX-License-Identifier: BSD-3-Clause
// UTF-8 (RFC 3629, and table 3-7 of the Unicode standard), which of its characters may stand in a log, and how wide
// they are.
#pragma once

#include <cstddef>
#include <string_view>

namespace smtpscope {

struct Character {
    char32_t code = 0;
    std::size_t length = 0;  ///< in bytes; 0: the text does not begin with a well-formed character
};

/// The first character of a text that is not empty.
Character decode_utf8(std::string_view text);

/// Whether the reference writes the character as it is: no controls, no private use, nothing from U+FFF0 to U+FFFF.
bool reference_prints(char32_t code);

/// Whether a terminal shows the character in its place: no control, no end of a line, no change of the direction of
/// text, and not invisible.
bool is_visible(char32_t code);

/// The longest beginning of the text that a terminal shows in that many columns, if each byte that is not visible is
/// written as `\xHH` (format::append_visible). It ends between characters, and combining marks stay with their
/// character.
std::string_view fitting(std::string_view text, std::size_t columns);

}  // namespace smtpscope
