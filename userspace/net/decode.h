// SPDX-License-Identifier: BSD-3-Clause
// From the bytes of a packet to a TCP segment: link layer, VLAN, IPv4 and IPv6 with extension headers, TCP.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtpscope/address.h"
#include "smtpscope/packet.h"

namespace smtpscope::net {

/// A TCP segment; `payload` points into the packet.
struct Segment {
    enum Flag : std::uint8_t { fin = 0x01, syn = 0x02, rst = 0x04, ack = 0x10 };

    Timestamp ts;
    Address src, dst;
    std::uint16_t sport = 0, dport = 0;
    std::uint32_t seq = 0, ack_seq = 0;
    std::uint8_t flags = 0;
    std::string_view payload;
    std::uint32_t wire_payload =
        0;  ///< payload bytes that were sent; more than payload.size() when the capture cut them

    Sender sender;

    bool has(Flag f) const { return (flags & f) != 0; }
};

/// A piece of a fragmented IP packet: over IPv4 of a TCP packet; over IPv6 of any packet, because only the first piece
/// has to say the protocol (RFC 8200, 4.5). Points into the captured packet.
struct Fragment {
    bool v6 = false;
    Address src, dst;
    std::uint32_t id = 0;
    std::uint32_t offset = 0;  ///< of `data` in what was fragmented
    bool more = false;         ///< it is not the last piece
    std::uint8_t ecn = 0;      ///< the two bits of RFC 3168
    Bytes headers;             ///< IPv4: the header. IPv6: what stands before the Fragment header
    std::uint8_t next = 0;     ///< IPv6: the number of the header that `data` of the first piece begins with
    std::size_t next_at = 0;   ///< IPv6: where in `headers` the number of the Fragment header is
    Bytes data;
    std::uint32_t wire_data = 0;  ///< bytes of data that were sent; more than data.size() when the capture cut them
};

enum class Decoded : std::uint8_t {
    segment,
    not_tcp,       ///< another protocol
    malformed,     ///< a header is cut off or contradicts itself
    fragment,      ///< a piece of a fragmented IP packet
    bad_checksum,  ///< IP or TCP: the receiver will not accept it
};

/// Fills in `out` if the result is Decoded::segment, and `fragment`, unless it is nullptr, if it is Decoded::fragment.
Decoded decode(const Packet& packet, Segment& out, Fragment* fragment = nullptr);

}  // namespace smtpscope::net
