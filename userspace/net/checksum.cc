// SPDX-License-Identifier: BSD-3-Clause
#include "net/checksum.h"

#include <cstring>

namespace smtpscope::net {

namespace {

/// One's complement: what is carried out comes in again.
void add(std::uint64_t& sum, std::uint64_t word) {
    sum += word;
    sum += sum < word ? 1 : 0;
}

}  // namespace

// The one's complement sum does not depend on word size or byte order (RFC 1071, 2 (B) and (C)), so it can run over
// 64-bit words in host order, in two sums that do not wait for each other.
std::uint64_t partial_sum(Bytes data) {
    std::uint64_t a = 0, b = 0;
    const std::uint8_t* p = data.data();
    std::size_t n = data.size();
    for (; n >= 16; n -= 16, p += 16) {
        std::uint64_t w[2];
        std::memcpy(w, p, sizeof w);
        add(a, w[0]);
        add(b, w[1]);
    }
    std::uint64_t w[2] = {};
    if (n > 0) std::memcpy(w, p, n);  // of no data there is no pointer
    add(a, w[0]);
    add(b, w[1]);
    add(a, b);
    return (a >> 32) + (a & 0xffffffff);
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::net
