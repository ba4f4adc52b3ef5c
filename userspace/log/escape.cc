// SPDX-License-Identifier: BSD-3-Clause
#include "log/escape.h"

#include <cstdint>
#include <cstring>

#include "log/utf8.h"

namespace smtpscope::log {
namespace {

constexpr std::uint64_t every(std::uint8_t byte) {
    return 0x0101010101010101ULL * byte;
}
constexpr std::uint64_t tops = every(0x80);

// Each is not zero if, and only if, some byte of the word is what the name says.
constexpr std::uint64_t has_zero(std::uint64_t w) {
    return (w - every(1)) & ~w & tops;
}
constexpr std::uint64_t has(std::uint64_t w, char c) {
    return has_zero(w ^ every(static_cast<std::uint8_t>(c)));
}
constexpr std::uint64_t has_less(std::uint64_t w, std::uint8_t n) {
    return (w - every(n)) & ~w & tops;
}

constexpr bool is_printable_ascii(char c) {
    return c >= 0x20 && c < 0x7f;
}

/// How many bytes at the front are printable ASCII and none of the special ones: nearly always all of them, so eight
/// are looked at together.
template <char... Special>
std::size_t plain_prefix(std::string_view text) {
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t w = 0;
        std::memcpy(&w, text.data() + i, 8);
        const std::uint64_t odd =
            (w & tops) | has_less(w, 0x20) | has(w, 0x7f) | (std::uint64_t{0} | ... | has(w, Special));
        if (odd != 0) break;
    }
    while (i < text.size() && is_printable_ascii(text[i]) && ((text[i] != Special) && ...)) ++i;
    return i;
}

void append_hex(std::string& out, char byte, std::string_view prefix) {
    constexpr char digits[] = "0123456789abcdef";
    const auto b = static_cast<std::uint8_t>(byte);
    out.append(prefix);
    out += digits[b >> 4];
    out += digits[b & 15];
}

/// The letter of the JSON escape of a control character that has one, else 0.
constexpr char json_letter(char c) {
    switch (c) {
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        default:
            return 0;
    }
}

/// Whether the reference would print every character of the text; `Controls` are the control characters that pass.
template <class Controls>
bool is_fit(std::string_view text, Controls passes) {
    for (std::size_t i = 0; i < text.size();) {
        if (is_printable_ascii(text[i]) || passes(text[i])) {
            ++i;
            continue;
        }
        const Character c = decode(text.substr(i));
        if (c.length == 0 || !reference_prints(c.code)) return false;
        i += c.length;
    }
    return true;
}

void append_json_special(std::string& out, std::string_view text) {
    const bool fit = is_fit(text, [](char c) { return json_letter(c) != 0; });
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (const char letter = json_letter(c)) {
            out += '\\';
            out += letter;
        } else if (fit || is_printable_ascii(c)) {
            out += c;
        } else {
            append_hex(out, c, "\\\\x");
        }
    }
}

void append_tsv_piece(std::string& out, std::string_view piece) {
    const bool fit = is_fit(piece, [](char) { return false; });
    for (const char c : piece) {
        if (fit || is_printable_ascii(c))
            out += c;
        else
            append_hex(out, c, "\\x");
    }
}

void append_tsv_special(std::string& out, std::string_view text, Within within) {
    const std::string_view specials = within == Within::set ? "\\\t," : "\\\t";
    while (!text.empty()) {
        const std::size_t n = std::min(text.find_first_of(specials), text.size());
        append_tsv_piece(out, text.substr(0, n));
        text.remove_prefix(n);
        if (text.empty()) break;
        if (text.front() == '\\')
            out += "\\\\";
        else
            append_hex(out, text.front(), "\\x");
        text.remove_prefix(1);
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    if (plain_prefix<'"', '\\'>(text) == text.size())
        out.append(text);
    else
        append_json_special(out, text);
    out += '"';
}

void append_tsv_string(std::string& out, std::string_view text, Within within) {
    if (text.empty()) {
        out += "(empty)";
    } else if (text == "-" || text == "(empty)") {
        append_hex(out, text.front(), "\\x");
        out.append(text.substr(1));
    } else if ((within == Within::set ? plain_prefix<'\\', ','>(text) : plain_prefix<'\\'>(text)) == text.size()) {
        out.append(text);
    } else {
        append_tsv_special(out, text, within);
    }
}

void append_visible(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const std::size_t plain = plain_prefix<>(text);
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        const Character c = decode(text);
        const std::size_t length = c.length == 0 ? 1 : c.length;
        if (c.length != 0 && is_visible(c.code))
            out.append(text.substr(0, length));
        else
            for (const char byte : text.substr(0, length)) append_hex(out, byte, "\\x");
        text.remove_prefix(length);
    }
}

}  // namespace smtpscope::log
