// SPDX-License-Identifier: BSD-3-Clause
#include "mime/base64.h"

#include <array>

namespace smtpscope::mime {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t invalid = 0x80000000;

/// What a character at each place of a group adds to its 24 bits; invalid if it is not of the alphabet.
constexpr auto make_places() {
    std::array<std::array<std::uint32_t, 256>, 4> places{};
    for (auto& place : places) place.fill(invalid);
    for (std::uint32_t value = 0; value < alphabet.size(); ++value)
        for (unsigned place = 0; place < 4; ++place)
            places[place][static_cast<std::uint8_t>(alphabet[value])] = value << (18 - 6 * place);
    return places;
}
constexpr auto places = make_places();

std::uint8_t octet(char c) {
    return static_cast<std::uint8_t>(c);
}

std::uint32_t group_at(const char* in) {
    return places[0][octet(in[0])] | places[1][octet(in[1])] | places[2][octet(in[2])] | places[3][octet(in[3])];
}

void put(char* out, std::uint32_t group) {
    out[0] = static_cast<char>(group >> 16);
    out[1] = static_cast<char>(group >> 8);
    out[2] = static_cast<char>(group);
}

}  // namespace

/// Groups without padding and foreign characters, as nearly all are.
const char* Base64Decoder::whole_groups(const char* in, const char* end, char*& out) const {
    if (ended_ || size_ > 0) return in;
    for (; end - in >= 8; in += 8, out += 6) {  // two at once: neither waits for the other's loads
        const std::uint32_t a = group_at(in), b = group_at(in + 4);
        if (((a | b) & invalid) != 0) break;
        put(out, a);
        put(out + 3, b);
    }
    for (; end - in >= 4; in += 4, out += 3) {
        const std::uint32_t a = group_at(in);
        if ((a & invalid) != 0) break;
        put(out, a);
    }
    return in;
}

void Base64Decoder::decode(std::string_view text, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + (text.size() + size_) / 4 * 3 + 3);
    char* to = out.data() + before;
    const char* in = text.data();
    const char* const end = in + text.size();
    while ((in = whole_groups(in, end, to)) != end) {
        const char c = *in++;
        const std::uint32_t value = places[3][octet(c)];
        if (c == '=') {
            ++padding_;
        } else if (value == invalid) {
            note(Error::character, octet(c));
            continue;
        }
        group_ = group_ << 6 | (value & ~invalid);
        if (++size_ == 4) complete_group(to);
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
}

void Base64Decoder::complete_group(char*& out) {
    if (ended_) {
        note(Error::after_padding, 0);
    } else {
        for (int i = 0; i < 3 - padding_; ++i) *out++ = static_cast<char>(group_ >> (16 - 8 * i));
        ended_ = padding_ > 0;
    }
    group_ = size_ = padding_ = 0;
}

void Base64Decoder::finish(std::string& out) {
    if (size_ == 0) return;
    error_ = Error::incomplete;
    detail_ = static_cast<std::uint8_t>((4 - size_) * 6);
    said_ = true;
    decode(std::string_view("===").substr(0, 4U - size_), out);
}

void Base64Decoder::note(Error error, std::uint8_t detail) {
    if (said_) return;
    said_ = true;
    error_ = error;
    detail_ = detail;
}

std::optional<std::string> Base64Decoder::take_error() {
    const Error error = error_;
    error_ = Error::none;
    switch (error) {
        case Error::none:
            break;
        case Error::character:
            return "character " + std::to_string(static_cast<int>(detail_)) + " ignored by Base64 decoding";
        case Error::after_padding:
            return "extra base64 groups after '=' padding are ignored";
        case Error::incomplete:
            return "incomplete base64 group, padding with " + std::to_string(static_cast<int>(detail_)) + " bits of 0";
    }
    return std::nullopt;
}

}  // namespace smtpscope::mime
