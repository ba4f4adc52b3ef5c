// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace smtpscope {

namespace {

constexpr std::uint8_t v4_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned v4_offset = 96;  // bits before an IPv4 address in its mapped form

Address masked(const Address& a, unsigned length) {
    auto bytes = a.bytes();
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned kept = length > i * 8 ? std::min(length - i * 8, 8U) : 0;
        bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> kept));
    }
    return Address::from_v6(bytes.data());
}

bool shorter(const Subnet& a, const Subnet& b) {
    return a.length != b.length ? a.length < b.length : a.prefix < b.prefix;
}

}  // namespace

Address Address::from_v4(const void* bytes) {
    Address a;
    std::memcpy(a.bytes_.data(), v4_mapped_prefix, sizeof v4_mapped_prefix);
    std::memcpy(a.bytes_.data() + 12, bytes, 4);
    return a;
}

Address Address::from_v6(const void* bytes) {
    Address a;
    std::memcpy(a.bytes_.data(), bytes, 16);
    return a;
}

std::optional<Address> Address::parse(std::string_view text) {
    char copy[INET6_ADDRSTRLEN];
    std::uint8_t bytes[16];
    if (text.size() >= sizeof copy || text.find('\0') != text.npos) return std::nullopt;
    copy[text.copy(copy, sizeof copy - 1)] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) return from_v4(bytes);
    if (inet_pton(AF_INET6, copy, bytes) == 1) return from_v6(bytes);
    return std::nullopt;
}

bool Address::is_v4() const {
    return std::memcmp(bytes_.data(), v4_mapped_prefix, sizeof v4_mapped_prefix) == 0;
}

std::string Address::to_string() const {
    char text[INET6_ADDRSTRLEN];
    if (is_v4()) return inet_ntop(AF_INET, bytes_.data() + 12, text, sizeof text);
    return inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned offset = address->is_v4() ? v4_offset : 0;
    unsigned length = 128 - offset;
    if (slash != text.npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc{} || end != digits.data() + digits.size() || length > 128 - offset) return std::nullopt;
    }
    return Subnet{masked(*address, length + offset), length + offset};
}

bool Subnet::contains(const Address& a) const {
    return masked(a, length) == prefix;
}

std::string Subnet::to_string() const {
    const bool v4 = prefix.is_v4() && length >= v4_offset;
    return prefix.to_string() + '/' + std::to_string(v4 ? length - v4_offset : length);
}

SubnetSet::Number SubnetSet::number_of(const Address& a) {
    Number n{};
    for (std::size_t i = 0; i < 16; ++i) n[i / 8] = n[i / 8] << 8 | a.bytes()[i];
    return n;
}

SubnetSet::SubnetSet(const std::vector<Subnet>& nets) : nets_(nets) {
    std::sort(nets_.begin(), nets_.end(), shorter);
    nets_.erase(std::unique(nets_.begin(), nets_.end()), nets_.end());
    constexpr std::uint64_t all = ~std::uint64_t{0};
    for (const Subnet& net :
         nets_) {  // the larger ones first: a later one is inside one of them or outside all of them
        if (contains(net.prefix)) continue;
        const Number first = number_of(net.prefix);
        const Number host = {net.length >= 64 ? 0 : all >> net.length,
                             net.length >= 128 ? 0 : all >> (net.length > 64 ? net.length - 64 : 0)};
        const auto place = std::upper_bound(ranges_.begin(), ranges_.end(), first,
                                            [](const Number& n, const Range& r) { return n < r.first; });
        ranges_.insert(place, {first, {first[0] | host[0], first[1] | host[1]}});
    }
}

bool SubnetSet::contains(const Address& a) const {
    const Number n = number_of(a);
    const auto beyond = std::upper_bound(ranges_.begin(), ranges_.end(), n,
                                         [](const Number& x, const Range& r) { return x < r.first; });
    return beyond != ranges_.begin() && n <= std::prev(beyond)->last;
}

const SubnetSet& private_address_space() {
    static const SubnetSet set = [] {
        std::vector<Subnet> nets;
        for (const char* text : {
                 "0.0.0.0/8",
                 "2002::/24",  // this network (RFC 791)
                 "10.0.0.0/8",
                 "2002:a00::/24",  // private use (RFC 1918)
                 "100.64.0.0/10",
                 "2002:6440::/26",  // carrier-grade NAT (RFC 6598)
                 "127.0.0.0/8",
                 "2002:7f00::/24",  // loopback (RFC 1122)
                 "169.254.0.0/16",
                 "2002:a9fe::/32",  // link local (RFC 3927)
                 "172.16.0.0/12",
                 "2002:ac10::/28",  // private use (RFC 1918)
                 "192.0.0.0/24",
                 "2002:c000::/40",  // protocol assignments (RFC 6890)
                 "192.0.2.0/24",
                 "2002:c000:200::/40",  // documentation (RFC 5737), as the next two
                 "198.51.100.0/24",
                 "2002:c633:6400::/40",
                 "203.0.113.0/24",
                 "2002:cb00:7100::/40",
                 "192.168.0.0/16",
                 "2002:c0a8::/32",  // private use (RFC 1918)
                 "198.18.0.0/15",
                 "2002:c612::/31",  // benchmarking (RFC 2544)
                 "224.0.0.0/24",
                 "2002:e000::/40",  // local multicast (RFC 5771)
                 "239.0.0.0/8",
                 "2002:ef00::/24",  // administratively scoped multicast (RFC 5771)
                 "240.0.0.0/4",
                 "2002:f000::/20",  // reserved (RFC 1112)
                 "255.255.255.255/32",
                 "2002:ffff:ffff::/48",  // limited broadcast (RFC 919)
                 "::/128",
                 "::1/128",         // unspecified, loopback (RFC 4291)
                 "64:ff9b:1::/48",  // local-use translation (RFC 8215)
                 "100::/64",        // discard only (RFC 6666)
                 "2001::/23",       // protocol assignments (RFC 2928)
                 "2001:2::/48",     // benchmarking (RFC 5180)
                 "2001:db8::/32",   // documentation (RFC 3849)
                 "fc00::/7",        // unique local (RFC 4193)
                 "fe80::/10",       // link local (RFC 4291)
                 "fec0::/10",       // site local, deprecated (RFC 3879)
             })
            nets.push_back(*Subnet::parse(text));
        return SubnetSet(nets);
    }();
    return set;
}

}  // namespace smtpscope
