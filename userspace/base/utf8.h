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

/// Whether a terminal shows the character in its place: neither a control, nor one that ends a line, turns the
/// direction of the text or is not seen at all.
bool is_visible(char32_t code);

/// As much of the text's front as a terminal shows in that many columns, each byte that is not to be seen as `\xHH`
/// (format::append_visible). It ends at a character's border, and what combines with a character stays with it.
std::string_view fitting(std::string_view text, std::size_t columns);

}  // namespace smtpscope
