// SPDX-License-Identifier: BSD-3-Clause
#include "records/uid.h"

#include <algorithm>
#include <cstring>

namespace smtpscope::records {

namespace {

/// A bijection that spreads every input bit over all output bits.
std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93ULL;
    x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93ULL;
    return x ^ (x >> 32);
}

std::uint64_t words_of(const Address& a, std::uint64_t h) {
    for (std::size_t i = 0; i < 16; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, a.bytes().data() + i, sizeof word);
        h = mix(h ^ word);
    }
    return h;
}

std::string in_digits(char prefix, std::uint64_t h) {
    constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    constexpr std::size_t half_length = 9;
    std::string id(1 + 2 * half_length, prefix);
    std::size_t at = 1;
    for (std::uint64_t word : {h, mix(h + 1)})
        for (std::size_t i = 0; i < half_length; ++i, word /= 62) id[at++] = digits[word % 62];
    return id;
}

}  // namespace

std::string make_uid(std::uint64_t seed, const ConnId& id, Timestamp begin) {
    std::uint64_t h = mix(seed ^ 0x736d747073636f70ULL);
    h = words_of(id.resp_h, words_of(id.orig_h, h));
    h = mix(h ^ (std::uint64_t{id.orig_p} << 16 | id.resp_p));
    h = mix(h ^ static_cast<std::uint64_t>(begin.time_since_epoch().count()));
    return in_digits('C', h);
}

std::string make_fuid(std::string_view uid, std::uint64_t n) {
    std::uint64_t h = mix(n ^ 0x66696c65ULL);
    while (!uid.empty()) {
        std::uint64_t word = 0;
        const std::size_t size = std::min(uid.size(), sizeof word);
        std::memcpy(&word, uid.data(), size);
        h = mix(h ^ word);
        uid.remove_prefix(size);
    }
    return in_digits('F', h);
}

}  // namespace smtpscope::records
