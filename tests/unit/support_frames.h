// SPDX-License-Identifier: BSD-3-Clause
// Frames for tests, byte by byte, independent of the code that reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smtpscope/packet.h"

namespace smtpscope::test {

using Buffer = std::vector<std::uint8_t>;

enum Flags : std::uint8_t { fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10 };

/// An IPv6 extension header: its number, and its length on the wire in bytes.
struct Extension {
    std::uint8_t number;
    std::size_t bytes;
    std::uint16_t fragment = 0;  ///< of a Fragment header: offset and flags
};

/// A packet from the IP header on. Lengths and checksums are right unless they are said to be otherwise.
struct PacketSpec {
    bool v6 = false;
    std::string src, dst;  ///< empty: 192.0.2.1 and .2, or their like in 2001:db8::/32
    std::uint16_t sport = 40000, dport = 25;
    std::uint32_t seq = 1000, ack_seq = 2000;
    std::uint8_t flags = ack | psh;
    std::string payload;
    std::size_t ip_options = 0;   ///< bytes, a multiple of 4
    std::size_t tcp_options = 0;  ///< the same
    std::vector<Extension> extensions;
    std::uint8_t protocol = 6;
    std::uint16_t fragment = 0;                 ///< IPv4: flags and offset
    std::optional<std::uint16_t> total_length;  ///< IPv4 total length or IPv6 payload length
    std::optional<std::uint8_t> ihl, data_offset;
    bool break_ip_checksum = false, break_tcp_checksum = false;
};

Buffer ip_packet(const PacketSpec& spec);
/// Bytes of the IP and TCP headers together.
std::size_t headers_size(const PacketSpec& spec);

/// A fragment of an IP packet.
struct Piece {
    std::size_t begin = 0, end = 0;  ///< of its octets behind the headers; what the packet lacks of them are zeros
    bool more = true;
    std::uint32_t id = 0x1234;
    std::uint8_t ecn = 0;
};
/// `headers`: bytes of an IPv6 packet that stand in every fragment before the Fragment header.
Buffer fragment(const Buffer& ip, const Piece& piece, std::size_t headers = 40);

/// In front of an IP packet: Ethernet with the given tags, the outer one first.
Buffer ethernet(const Buffer& ip, const std::vector<std::uint16_t>& tags = {});
Buffer linux_sll(const Buffer& ip, const std::vector<std::uint16_t>& tags = {});
Buffer linux_sll2(const Buffer& ip, const std::vector<std::uint16_t>& tags = {});
Buffer null_loop(const Buffer& ip);

/// The frame as a packet source hands it over, whole. Points into `frame`.
Packet packet(const Buffer& frame, LinkType link);

/// The Internet checksum, by the definition of RFC 1071: 16 bits at a time. Not inverted.
std::uint16_t naive_sum(const Buffer& bytes);

}  // namespace smtpscope::test
