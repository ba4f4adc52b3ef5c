// SPDX-License-Identifier: BSD-3-Clause
#include "net/checksum.h"

#include <cstring>

namespace smtpscope::net {

namespace {

template <class Word>
Word load(const std::uint8_t* p) {
    Word word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

std::uint64_t halves(std::uint64_t word) {
    return (word & 0xffffffff) + (word >> 32);
}

/// The last few octets, zeros after them; without a copy that the load of a word would have to wait for.
std::uint64_t last_word(const std::uint8_t* p, std::size_t n) {
    std::uint64_t word = 0;
    unsigned at = 0;
    if ((n & 4) != 0) {
        word = load<std::uint32_t>(p);
        at = 4;
    }
    if ((n & 2) != 0) {
        word |= std::uint64_t{load<std::uint16_t>(p + at)} << (8 * at);
        at += 2;
    }
    if ((n & 1) != 0) word |= std::uint64_t{p[at]} << (8 * at);
    return word;
}

}  // namespace

// The one's complement sum does not depend on word size or byte order (RFC 1071, 2 (B) and (C)). Here it is one of
// 32-bit words, several at a time, in 64 bits, which leave room for the carries of 16 GiB.
std::uint64_t partial_sum(Bytes data) {
    using Words [[gnu::vector_size(32)]] = std::uint64_t;
    Words low{}, high{};
    const std::uint8_t* p = data.data();
    std::size_t n = data.size();
    for (; n >= sizeof(Words); n -= sizeof(Words), p += sizeof(Words)) {
        Words words;
        std::memcpy(&words, p, sizeof words);
        low += words & 0xffffffff;
        high += words >> 32;
    }
    const Words sums = low + high;
    std::uint64_t sum = sums[0] + sums[1] + sums[2] + sums[3];
    for (; n >= 8; n -= 8, p += 8) sum += halves(load<std::uint64_t>(p));
    return sum + halves(last_word(p, n));
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::net
