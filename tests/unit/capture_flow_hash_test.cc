// SPDX-License-Identifier: BSD-3-Clause
// The hash that kernel programs and daemon share.
#include <arpa/inet.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "catch.h"
#include "smtpscope/kernel_abi.h"

namespace {

smtpscope_ends ends(std::uint64_t high, std::uint64_t low, unsigned port) {
    smtpscope_ends e{};
    e.address[0][0] = high;
    e.address[0][1] = low;
    e.port[0] = htons(static_cast<std::uint16_t>(port));
    e.address[1][1] = std::uint64_t{htonl(0x0a000002)} << 32 | htonl(0xffff);
    e.port[1] = htons(25);
    return e;
}

smtpscope_ends ipv4(std::uint32_t address, unsigned port) {
    return ends(0, std::uint64_t{htonl(address)} << 32 | htonl(0xffff), port);
}

smtpscope_ends turned(const smtpscope_ends& e) {
    smtpscope_ends t = e;
    std::swap(t.address[0], t.address[1]);
    std::swap(t.port[0], t.port[1]);
    return t;
}

/// How far the numbers of flows in `places` places are from those of a good hash, in standard deviations of chi
/// squared.
double unevenness(const std::vector<std::uint64_t>& hashes, std::uint32_t places, __u32 (*place)(__u64, __u32)) {
    std::vector<double> counts(places);
    for (const std::uint64_t hash : hashes) ++counts[place(hash, places)];
    const double expected = static_cast<double>(hashes.size()) / places;
    double chi_squared = 0;
    for (const double count : counts) chi_squared += (count - expected) * (count - expected) / expected;
    return std::abs(chi_squared - (places - 1)) / std::sqrt(2.0 * (places - 1));
}

}  // namespace

TEST_CASE("flows are spread evenly over rings and sets, however alike their ends are", "[capture]") {
    constexpr std::uint64_t prefix = 0xb80d0120;  // 2001:db8::/32, as it lies in memory
    const struct {
        const char* name;
        smtpscope_ends (*ends)(unsigned i);
    } rows[] = {
        {"ports of one client", [](unsigned i) { return ipv4(0x0a000001, 1024 + i); }},
        {"clients in a row", [](unsigned i) { return ipv4(0x0a000000 + i, 40000); }},
        {"clients in many networks", [](unsigned i) { return ipv4(0x0a000001 + (i << 8), 40000); }},
        {"a few ports of each client", [](unsigned i) { return ipv4(0x0a000000 + i / 16, 32768 + i % 16); }},
        {"IPv6, hosts in a row", [](unsigned i) { return ends(prefix, std::uint64_t{i} << 32, 40000); }},
        {"IPv6, networks in a row", [](unsigned i) { return ends(prefix + (std::uint64_t{i} << 40), 1, 40000); }},
    };
    const smtpscope_hash_seed seeds[] = {{{0x1357924680abcde1, 0xfedcba9876543211}},
                                         {{0xa5a5a5a5a5a5a5a5, 0x0f1e2d3c4b5a6979}},
                                         {{0x8000000000000001, 0xd1b54a32d192ed03}}};
    for (const auto& row : rows) {
        for (const smtpscope_hash_seed& seed : seeds) {
            INFO(row.name << ", " << seed.word[0]);
            std::vector<std::uint64_t> hashes;
            for (unsigned i = 0; i < 60000; ++i) {
                const smtpscope_ends e = row.ends(i);
                hashes.push_back(smtpscope_flow_hash(&e, &seed));
                const smtpscope_ends reverse = turned(e);
                if (smtpscope_flow_hash(&reverse, &seed) != hashes.back()) FAIL("the directions differ");
            }
            CHECK(unevenness(hashes, 8, smtpscope_shard) < 5);
            CHECK(unevenness(hashes, 8192, smtpscope_flow_set_of) < 5);
            CHECK(std::set<std::uint64_t>(hashes.begin(), hashes.end()).size() == hashes.size());
        }
    }
}
