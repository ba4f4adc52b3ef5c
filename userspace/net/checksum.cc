// SPDX-License-Identifier: BSD-3-Clause
#include "net/checksum.h"

#include <cstring>

namespace smtpscope::net {

namespace {

/// Four sums that do not wait for each other, of 32-bit words, which leave room in 64 bits for the carries of 16 GiB.
__attribute__((always_inline)) inline std::uint64_t sum_of_words(Bytes data) {
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
    Words rest{};
    if (n > 0) std::memcpy(&rest, p, n);  // of no data there is no pointer
    const Words sums = low + high + (rest & 0xffffffff) + (rest >> 32);
    return sums[0] + sums[1] + sums[2] + sums[3];
}

#ifdef __x86_64__
const bool has_vectors = __builtin_cpu_supports("avx2") != 0;
__attribute__((target("avx2"))) std::uint64_t sum_of_words_in_vectors(Bytes data) {
    return sum_of_words(data);
}
#endif

}  // namespace

// The one's complement sum does not depend on word size or byte order (RFC 1071, 2 (B) and (C)).
std::uint64_t partial_sum(Bytes data) {
#ifdef __x86_64__
    if (has_vectors) return sum_of_words_in_vectors(data);
#endif
    return sum_of_words(data);
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::net
