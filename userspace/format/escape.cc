// SPDX-License-Identifier: BSD-3-Clause
#include "format/escape.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <cstdint>

#include "base/utf8.h"

namespace smtpscope::format {
namespace {

constexpr bool is_printable_ascii(char c) {
    return c >= 0x20 && c < 0x7f;
}

#ifdef __SSE2__
/// Whether sixteen bytes are printable ASCII and none of the special ones.
template <char... Special>
bool are_plain(const char* sixteen) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(sixteen));
    // As signed numbers, bytes that are not ASCII are below it too.
    const __m128i printable =
        _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)), _mm_cmpgt_epi8(v, _mm_set1_epi8(0x1f)));
    __m128i special = _mm_setzero_si128();
    ((special = _mm_or_si128(special, _mm_cmpeq_epi8(v, _mm_set1_epi8(Special)))), ...);
    return _mm_movemask_epi8(_mm_andnot_si128(special, printable)) == 0xffff;
}
#endif

/// How many bytes at the front are printable ASCII and none of the special ones: nearly always all of them, so sixteen
/// are looked at together.
template <char... Special>
std::size_t plain_prefix(std::string_view text) {
    std::size_t i = 0;
#ifdef __SSE2__
    while (i + 16 <= text.size() && are_plain<Special...>(text.data() + i)) i += 16;
    // The last bytes are checked together with some that were checked already.
    if (i > 0 && text.size() - i < 16 && are_plain<Special...>(text.data() + text.size() - 16)) return text.size();
#endif
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
    for (std::size_t i = 0; (i += plain_prefix<>(text.substr(i))) < text.size();) {
        if (passes(text[i])) {
            ++i;
            continue;
        }
        const Character c = decode_utf8(text.substr(i));
        if (c.length == 0 || !reference_prints(c.code)) return false;
        i += c.length;
    }
    return true;
}

void append_json_special(std::string& out, std::string_view text) {
    const bool fit = is_fit(text, [](char c) { return json_letter(c) != 0; });
    while (!text.empty()) {
        const std::size_t plain = plain_prefix<'"', '\\'>(text);
        out.append(text.substr(0, plain));
        if (plain == text.size()) break;
        const char c = text[plain];
        text.remove_prefix(plain + 1);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (const char letter = json_letter(c)) {
            out += '\\';
            out += letter;
        } else if (fit) {
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
    if (plain_prefix<'"', '\\'>(text) == text.size()) {
        const std::size_t begin = out.size();
        out.resize(begin + text.size() + 2, '"');
        text.copy(out.data() + begin + 1, text.size());
        return;
    }
    out += '"';
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
        const Character c = decode_utf8(text);
        const std::size_t length = c.length == 0 ? 1 : c.length;
        if (c.length != 0 && is_visible(c.code))
            out.append(text.substr(0, length));
        else
            for (const char byte : text.substr(0, length)) append_hex(out, byte, "\\x");
        text.remove_prefix(length);
    }
}

}  // namespace smtpscope::format
