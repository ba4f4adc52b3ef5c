// SPDX-License-Identifier: BSD-3-Clause
#include "mime/base64.h"

#include <array>
#include <bit>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace smtpscope::mime {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t invalid = 0x80000000;

/// What a character at each place of a group adds to its 24 bits; invalid if it is not in the alphabet.
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

constexpr std::ptrdiff_t vector_size = 32;
/// Octets that may be written after the end of the result.
constexpr std::size_t beyond = vector_size;

#ifdef __x86_64__

/// For each low half of an octet: the high halves that do not make a character of the alphabet with it. High halves
/// that accept the same low halves share a bit; the last bit stands for those that accept none.
constexpr std::array<std::uint8_t, 16> class_of_high_half = {16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16};
constexpr auto make_foreign() {
    std::array<std::uint8_t, 16> foreign{};
    for (std::size_t low = 0; low < 16; ++low) {
        foreign[low] = 31;
        for (std::size_t high = 0; high < 16; ++high)
            if (places[3][high << 4 | low] != invalid)
                foreign[low] = static_cast<std::uint8_t>(foreign[low] & ~class_of_high_half[high]);
    }
    return foreign;
}
constexpr auto foreign = make_foreign();
/// What turns a character into its value, by its high half: `+` and `/`, digits, upper and lower case.
constexpr std::array<std::int8_t, 16> to_value = {0, 0, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0};

#define AVX2 __attribute__((target("avx2")))

template <class Octet>
AVX2 __m256i vector_of(const std::array<Octet, 16>& octets) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(octets.data())));
}

/// Thirty-two characters at a time (W. Mula, D. Lemire: Faster Base64 Encoding and Decoding Using AVX2 Instructions),
/// up to the first group with a character that is not in the alphabet. With `lines`, a CRLF after a group is skipped.
/// Writes up to `beyond` octets after its result.
template <bool lines>
AVX2 const char* vector_groups(const char* in, const char* end, char*& to) {
    const __m256i low_half = _mm256_set1_epi8(0x0f), slash = _mm256_set1_epi8('/'), minus_three = _mm256_set1_epi8(-3);
    const __m256i classes = vector_of(class_of_high_half), foreigners = vector_of(foreign),
                  values = vector_of(to_value);
    const __m256i pairs = _mm256_set1_epi32(0x01400140), fours = _mm256_set1_epi32(0x00011000);
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
    const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    char* out = to;
    while (end - in >= vector_size) {
        const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
        const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), low_half);
        const __m256i wrong = _mm256_and_si256(_mm256_shuffle_epi8(classes, high),
                                               _mm256_shuffle_epi8(foreigners, _mm256_and_si256(text, low_half)));
        const auto right =
            static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(wrong, _mm256_setzero_si256())));
        // 19 is right for `+`; `/` is three less.
        const __m256i sixes =
            _mm256_add_epi8(text, _mm256_add_epi8(_mm256_shuffle_epi8(values, high),
                                                  _mm256_and_si256(_mm256_cmpeq_epi8(text, slash), minus_three)));
        const __m256i groups = _mm256_madd_epi16(_mm256_maddubs_epi16(sixes, pairs), fours);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                            _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, order), together));
        if (right == ~0U) {
            in += vector_size;
            out += vector_size / 4 * 3;
            continue;
        }
        const std::ptrdiff_t whole = std::countr_one(right) / 4;
        in += 4 * whole;
        out += 3 * whole;
        if (!lines || in[0] != '\r' || in[1] != '\n') break;
        in += 2;
    }
    to = out;
    return in;
}

#undef AVX2

const bool has_vectors = __builtin_cpu_supports("avx2") != 0;

#endif

}  // namespace

/// Groups without padding or foreign characters, as nearly all are; with `lines`, line ends are skipped where that is
/// fast.
template <bool lines>
const char* Base64Decoder::whole_groups(const char* in, const char* end, char*& out) const {
    if (ended_ || size_ > 0) return in;
#ifdef __x86_64__
    if (has_vectors && end - in >= vector_size) {
        in = vector_groups<lines>(in, end, out);
        if (end - in >= vector_size) return in;
    }
#endif
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
    char* to = make_room(text.size(), out);
    const char* in = text.data();
    const char* const end = in + text.size();
    while ((in = whole_groups<false>(in, end, to)) != end) character(*in++, to);
    out.resize(static_cast<std::size_t>(to - out.data()));
}

std::size_t Base64Decoder::decode_lines(std::string_view lines, std::string& out) {
    char* to = make_room(lines.size(), out);
    const char* in = lines.data();
    const char* const end = in + lines.size();
    const auto delimiter = [&] { return in[0] == '-' && in[1] == '-' && (in == lines.data() || in[-1] == '\n'); };
    while (in != end && !delimiter()) {
        if (in[0] == '\r' && in[1] == '\n')
            in += 2;
        else if (const char* const next = whole_groups<true>(in, end, to); next != in)
            in = next;
        else
            character(*in++, to);
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
    return static_cast<std::size_t>(in - lines.data());
}

/// Makes room at the end of `out` for what `length` characters decode to.
char* Base64Decoder::make_room(std::size_t length, std::string& out) const {
    const std::size_t before = out.size();
    out.resize(before + (length + size_) / 4 * 3 + beyond);
    return out.data() + before;
}

void Base64Decoder::character(char c, char*& out) {
    const std::uint32_t value = places[3][octet(c)];
    if (c == '=') {
        ++padding_;
    } else if (value == invalid) {
        return note(Error::character, octet(c));
    }
    group_ = group_ << 6 | (value & ~invalid);
    if (++size_ == 4) complete_group(out);
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
