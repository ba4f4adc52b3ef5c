// SPDX-License-Identifier: BSD-3-Clause
// IP addresses and sets of networks. IPv4 is held as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2), so that one type serves
// both.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpscope {

class Address {
  public:
    constexpr Address() = default;  ///< `::`

    /// From four bytes in network order.
    static Address from_v4(const void* bytes);
    /// From sixteen bytes in network order.
    static Address from_v6(const void* bytes);
    /// From text, as inet_pton reads it (no leading zeros in IPv4); nullopt if it is not an address.
    static std::optional<Address> parse(std::string_view text);

    bool is_v4() const;
    /// Sixteen bytes in network order; IPv4 as ::ffff:a.b.c.d.
    const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    /// Dotted decimal, or RFC 5952 text.
    std::string to_string() const;

    bool operator==(const Address&) const = default;
    std::strong_ordering operator<=>(const Address& other) const {
        const std::strong_ordering order = half(0) <=> other.half(0);
        return order != 0 ? order : half(8) <=> other.half(8);
    }

  private:
    /// Eight bytes as a number.
    std::uint64_t half(std::size_t at) const {
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, bytes_.data() + at, 8);
        return std::endian::native == std::endian::little ? __builtin_bswap64(bytes) : bytes;
    }

    std::array<std::uint8_t, 16> bytes_{};
};

/// A network: the first `length` bits of `prefix`.
struct Subnet {
    Address prefix;
    unsigned length = 0;  ///< in bits of the 128-bit form: an IPv4 /24 has 120

    /// `192.0.2.0/24`, `2001:db8::/32`, or a single address; nullopt if it is neither. Host bits are cleared.
    static std::optional<Subnet> parse(std::string_view text);
    bool contains(const Address& a) const;
    std::string to_string() const;
    bool operator==(const Subnet&) const = default;
};

/// A set of networks. Look-up takes logarithmic time.
class SubnetSet {
  public:
    SubnetSet() = default;
    explicit SubnetSet(const std::vector<Subnet>& nets);

    bool contains(const Address& a) const;
    const std::vector<Subnet>& subnets() const { return nets_; }

  private:
    using Number = std::array<std::uint64_t, 2>;  ///< an address, the higher half first
    struct Range {
        Number first, last;
    };
    static Number number_of(const Address& a);

    std::vector<Subnet> nets_;   ///< sorted by length, then prefix
    std::vector<Range> ranges_;  ///< what they cover; sorted, none within another
};

/// The networks that IANA's special-purpose registries call private or not routable, with their 6to4 forms (RFC 3056):
/// the reference's `Site::private_address_space`.
const SubnetSet& private_address_space();

}  // namespace smtpscope

template <>
struct std::hash<smtpscope::Address> {
    std::size_t operator()(const smtpscope::Address& a) const noexcept {
        std::uint64_t hi = 0, lo = 0;
        std::memcpy(&hi, a.bytes().data(), 8);
        std::memcpy(&lo, a.bytes().data() + 8, 8);
        std::uint64_t h = (hi ^ (lo * 0x9E3779B97F4A7C15ULL)) * 0xD6E8FEB86659FD93ULL;
        return h ^ (h >> 32);
    }
};
