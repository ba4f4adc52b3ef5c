// SPDX-License-Identifier: BSD-3-Clause
#include "net/checksum.h"

#include <cstring>

namespace smtpscope::net {

// The one's complement sum does not depend on word size or byte order (RFC 1071, 2 (B) and (C)), so it can run over
// 32-bit words in host order: 64-bit accumulators cannot overflow within any IP packet.
std::uint64_t partial_sum(Bytes data) {
    std::uint64_t a = 0, b = 0;
    const std::uint8_t* p = data.data();
    std::size_t n = data.size();
    for (; n >= 16; n -= 16, p += 16) {
        std::uint32_t w[4];
        std::memcpy(w, p, sizeof w);
        a += std::uint64_t{w[0]} + w[2];
        b += std::uint64_t{w[1]} + w[3];
    }
    for (; n >= 4; n -= 4, p += 4) {
        std::uint32_t w = 0;
        std::memcpy(&w, p, sizeof w);
        a += w;
    }
    if (n > 0) {
        std::uint32_t w = 0;
        std::memcpy(&w, p, n);
        b += w;
    }
    return a + b;
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::net
