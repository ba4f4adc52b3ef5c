// SPDX-License-Identifier: BSD-3-Clause
// The decoders for differential.py: a line of `base64 HEX`, `qp HEX`, `words HEX` or `name HEX` in, a line of
// hexadecimal digits out; `-` where there is no result.
#include <iostream>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "mime/base64.h"
#include "mime/encoded_word.h"
#include "mime/parameter.h"
#include "mime/quoted_printable.h"

namespace {

using namespace smtpscope;
using namespace smtpscope::mime;

std::string from_hex(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out += static_cast<char>(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    return out;
}

std::string to_hex(const std::string& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::optional<std::string> answer(const std::string& what, const std::string& in) {
    std::string out;
    if (what == "base64") {
        Base64Decoder decoder;
        decoder.decode(in, out);
        decoder.finish(out);
    } else if (what == "qp") {
        for (std::size_t begin = 0; begin <= in.size();) {
            const std::size_t end = std::min(in.find('\n', begin), in.size());
            if (decode_quoted_printable(in.substr(begin, end - begin), out) && end < in.size()) out += '\n';
            begin = end + 1;
        }
    } else if (what == "words") {
        out = decode_encoded_words(in);
    } else {
        return filename_of_disposition(in);
    }
    return out;
}

}  // namespace

int main() {
    std::string what, hex;
    while (std::cin >> what) {
        std::getline(std::cin, hex);
        const auto out = answer(what, from_hex(hex.substr(std::min<std::size_t>(1, hex.size()))));
        std::cout << (out ? to_hex(*out) : "-") << '\n';
    }
}
