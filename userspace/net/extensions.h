// SPDX-License-Identifier: BSD-3-Clause
// The extension headers of IPv6 that may stand before TCP (RFC 8200, 4; the registry of IPv6 Extension Header Types).
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtpscope::net {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t fragment_header = 44;
constexpr std::uint8_t authentication_header = 51;
constexpr std::size_t fragment_header_size = 8;

/// True for those that contain their own length: all except the Fragment header, which has 8 bytes.
constexpr bool is_extension_header(std::uint8_t number) {
    switch (number) {
        case 0:    // hop-by-hop options
        case 43:   // routing
        case 60:   // destination options
        case 135:  // mobility
        case 139:  // HIP
        case 140:  // shim6
        case authentication_header:
            return true;
        default:
            return false;
    }
}

/// Bytes of an extension header whose second byte is `length`.
constexpr std::size_t extension_header_size(std::uint8_t number, std::uint8_t length) {
    // The authentication header counts in 4-byte units (RFC 4302, 2.2), all others in 8 (RFC 8200, 4).
    return number == authentication_header ? (std::size_t{length} + 2) * 4 : (std::size_t{length} + 1) * 8;
}

}  // namespace smtpscope::net
