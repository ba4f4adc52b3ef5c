// SPDX-License-Identifier: BSD-3-Clause
#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace smtpscope {
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

struct Range {
    char32_t first, last;
};

template <std::size_t N>
bool in_ranges(const Range (&ranges)[N], char32_t c) {
    const auto* it = std::lower_bound(std::begin(ranges), std::end(ranges), c,
                                      [](const Range& r, char32_t code) { return r.last < code; });
    return it != std::end(ranges) && c >= it->first;
}

// Combining marks, which are drawn on the character before them, by blocks.
constexpr Range combining[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},  {0x0610, 0x061a},
                               {0x064b, 0x065f}, {0x06d6, 0x06dc}, {0x0e31, 0x0e31},  {0x0e34, 0x0e3a},
                               {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},  {0x20d0, 0x20ff},
                               {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}};
// East Asian Width W and F (Unicode, annex 11), by blocks.
constexpr Range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26a1, 0x26a1},   {0x26bd, 0x26be},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274e},   {0x2753, 0x2757},   {0x2795, 0x2797},   {0x2b1b, 0x2b1c},
    {0x2b50, 0x2b50},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18aff},
    {0x1b000, 0x1b2ff}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd}};

constexpr std::size_t columns_of_escape = 4;  // \xHH

std::size_t columns_of(char32_t code) {
    if (in_ranges(combining, code)) return 0;
    return in_ranges(wide, code) ? 2 : 1;
}

}  // namespace

Character decode_utf8(std::string_view text) {
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

std::string_view fitting(std::string_view text, std::size_t columns) {
    std::size_t end = 0, used = 0;
    while (end < text.size()) {
        const Character c = decode_utf8(text.substr(end));
        const std::size_t length = std::max<std::size_t>(c.length, 1);
        used += c.length != 0 && is_visible(c.code) ? columns_of(c.code) : columns_of_escape * length;
        if (used > columns) break;
        end += length;
    }
    return text.substr(0, end);
}

}  // namespace smtpscope
