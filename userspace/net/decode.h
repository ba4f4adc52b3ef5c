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
    enum Flag : std::uint8_t { fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10 };

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

enum class Decoded : std::uint8_t {
    segment,
    not_tcp,       ///< another protocol
    malformed,     ///< a header is cut off or contradicts itself
    fragment,      ///< a piece of a fragmented IP packet
    bad_checksum,  ///< IP or TCP: the receiver will not take it
};

Decoded decode(const Packet& packet, Segment& out);

}  // namespace smtpscope::net
