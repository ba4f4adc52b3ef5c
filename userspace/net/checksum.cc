// SPDX-License-Identifier: BSD-3-Clause
#include "net/checksum.h"

#include <bit>
#include <cstring>

namespace smtpscope::net {

namespace {

std::uint64_t word_at(const std::uint8_t* p) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
}

std::uint64_t halves(std::uint64_t word) {
    return (word & 0xffffffff) + (word >> 32);
}

/// The last `n` octets of the data, fewer than a word has, and zeros after them. Where possible a whole word is read:
/// one put together from octets would stall the CPU.
std::uint64_t last_word(Bytes data, std::size_t n) {
    if (n == 0) return 0;
    if (data.size() < 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data() + data.size() - n, n);
        return word;
    }
    const std::uint64_t word = word_at(data.data() + data.size() - 8);
    return std::endian::native == std::endian::little ? word >> (64 - 8 * n) : word << (64 - 8 * n);
}

}  // namespace

// The one's complement sum does not depend on word size or byte order (RFC 1071, 2 (B) and (C)). Here 32-bit words are
// summed, several at a time, in 64 bits, which leave room for the carries of 16 GiB.
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
    for (; n >= 8; n -= 8, p += 8) sum += halves(word_at(p));
    return sum + halves(last_word(data, n));
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::net
