// SPDX-License-Identifier: BSD-3-Clause
#include "mime/encoded_word.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "mime/base64.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/quoted_printable.h"

namespace smtpscope::mime {

namespace {

// RFC 2047, 2 allows 75, but some mailers do not split words.
constexpr std::size_t max_word_length = 4096;

/// `=?charset?encoding?text?=`
struct Word {
    std::string_view charset;
    bool base64 = false;
    std::string_view text;
    std::size_t length = 0;  ///< of all of it
};

/// The word that `value` begins with.
std::optional<Word> parse_word(std::string_view value) {
    value = value.substr(0, max_word_length);
    if (!value.starts_with("=?")) return std::nullopt;
    const std::size_t charset_end = value.find('?', 2);
    if (charset_end == value.npos || charset_end + 2 >= value.size() || value[charset_end + 2] != '?')
        return std::nullopt;
    const char encoding = static_cast<char>(value[charset_end + 1] | 0x20);
    if (encoding != 'b' && encoding != 'q') return std::nullopt;
    const std::size_t text_begin = charset_end + 3;
    const std::size_t text_end = value.find("?=", text_begin);
    if (text_end == value.npos) return std::nullopt;
    return Word{value.substr(2, charset_end - 2), encoding == 'b', value.substr(text_begin, text_end - text_begin),
                text_end + 2};
}

/// RFC 2047, 4.2: as quoted-printable, with `_` for a space.
void decode_q(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '=' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high << 4 | low);
            i += 2;
        } else {
            out += text[i] == '_' ? ' ' : text[i];
        }
    }
}

void decode_word(const Word& word, std::string& out) {
    if (!word.base64) return decode_q(word.text, out);
    Base64Decoder decoder;
    decoder.decode(word.text, out);
    decoder.finish(out);
}

/// Adjacent words of one charset, decoded together. What was taken is removed from `value`.
std::optional<std::string> take_words(std::string_view& value) {
    std::optional<Word> word = parse_word(value);
    if (!word) return std::nullopt;
    const std::string_view charset = word->charset;
    std::string bytes;
    std::string_view rest = value, behind_last = value;
    while (word && equals_ignoring_case(word->charset, charset)) {
        decode_word(*word, bytes);
        rest.remove_prefix(word->length);
        behind_last = rest;
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
        word = parse_word(rest);
    }
    auto text = to_utf8(charset, bytes);
    if (text) value = word ? rest : behind_last;  // white space between words is not displayed
    return text;
}

}  // namespace

std::string decode_encoded_words(std::string_view value) {
    std::string out;
    std::size_t plain = 0;  // bytes before the current place that are not part of a word
    const auto flush = [&] {
        out += valid_utf8(value.substr(0, plain));
        value.remove_prefix(plain);
        plain = 0;
    };
    while ((plain = value.find("=?", plain)) != value.npos) {
        std::string_view rest = value.substr(plain);
        // Inside a word of plain text, `=?` is text too (RFC 2047, 5), but mailers that leave out the space are common.
        if (auto text = take_words(rest)) {
            flush();
            out += *text;
            value = rest;
        } else {
            plain += 2;
        }
    }
    plain = value.size();
    flush();
    return out;
}

}  // namespace smtpscope::mime
