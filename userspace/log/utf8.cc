// SPDX-License-Identifier: BSD-3-Clause
#include "log/utf8.h"

#include <cstdint>

namespace smtpscope::log {
namespace {

constexpr bool within(char32_t c, char32_t first, char32_t last) {
    return c >= first && c <= last;
}

constexpr bool is_control(char32_t c) {
    return c < 0x20 || within(c, 0x7f, 0x9f);
}

/// What the lead byte announces: the length, its payload bits, and the smallest code that needs that length.
struct Lead {
    std::size_t length;
    char32_t bits;
    char32_t least;
};

constexpr Lead lead_of(std::uint8_t b) {
    if (b < 0x80) return {1, b, 0};
    if (b >= 0xc0 && b < 0xe0) return {2, b & 0x1fU, 0x80};
    if (b >= 0xe0 && b < 0xf0) return {3, b & 0x0fU, 0x800};
    if (b >= 0xf0 && b < 0xf8) return {4, b & 0x07U, 0x10000};
    return {0, 0, 0};
}

}  // namespace

Character decode(std::string_view text) {
    const Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
    if (lead.length == 0 || lead.length > text.size()) return {};
    char32_t code = lead.bits;
    for (std::size_t i = 1; i < lead.length; ++i) {
        const auto b = static_cast<std::uint8_t>(text[i]);
        if ((b & 0xc0) != 0x80) return {};
        code = code << 6 | (b & 0x3fU);
    }
    if (code < lead.least || code > 0x10ffff || within(code, 0xd800, 0xdfff)) return {};
    return {code, lead.length};
}

bool reference_prints(char32_t code) {
    return !is_control(code) && !within(code, 0xe000, 0xf8ff) && !within(code, 0xfff0, 0xffff);
}

bool is_visible(char32_t code) {
    if (!reference_prints(code)) return false;
    const bool directional =
        code == 0x061c || within(code, 0x200e, 0x200f) || within(code, 0x202a, 0x202e) || within(code, 0x2066, 0x2069);
    const bool line_end = within(code, 0x2028, 0x2029);
    const bool unseen = code == 0x00ad || code == 0x180e || within(code, 0x200b, 0x200d) ||
                        within(code, 0x2060, 0x2064) || code == 0xfeff || within(code, 0xe0000, 0xe0fff);
    return !directional && !line_end && !unseen;
}

}  // namespace smtpscope::log
