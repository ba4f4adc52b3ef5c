// SPDX-License-Identifier: BSD-3-Clause
// Builds frames from what a test says about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "smtpscope/kernel_abi.h"

namespace smtpscope::test {

using Frame = std::vector<std::uint8_t>;

enum TcpFlags : std::uint8_t { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16 };

/// An IPv6 extension header: its number, and its size (8-byte units beyond the first 8, 4-byte units beyond 8 for AH).
struct Extension {
    std::uint8_t type;
    std::uint8_t length = 0;
    std::uint16_t fragment = 0;  ///< of a fragment header: offset in 8 bytes << 3 | more
};

struct Spec {
    int version = 4;
    std::vector<std::uint16_t> vlan = {};  ///< protocol numbers of the tags, the outer one first
    std::size_t ip_options = 0;            ///< bytes
    std::vector<Extension> extensions = {};
    std::uint8_t protocol = 6;
    std::uint16_t source = 40000;
    std::uint16_t destination = 25;
    std::uint8_t flags = ack | psh;
    std::size_t tcp_options = 0;  ///< bytes
    std::size_t payload = 0;
    std::size_t padding = 0;                         ///< behind the packet, as a short Ethernet frame has it
    std::size_t cut = 0;                             ///< bytes missing at the end of the frame
    std::uint16_t fragment = 0;                      ///< IPv4: offset in 8 bytes | 0x2000 for more
    std::optional<std::uint16_t> total_length = {};  ///< instead of the right one
    std::optional<std::uint8_t> ihl = {};
    std::optional<std::uint8_t> data_offset = {};
    std::optional<std::uint16_t> ethertype = {};
    bool reply = false;  ///< addresses and ports swapped
};

Frame build(const Spec& spec);

/// Bytes before the IP header.
std::size_t link_size(const Spec& spec);
/// Of the IP packet, as its header says.
std::size_t packet_size(const Spec& spec);
/// Of the IP and TCP headers.
std::size_t header_size(const Spec& spec);
/// Of the packet's connection; its sender is the first.
smtpscope_ends ends_of(const Spec& spec);

}  // namespace smtpscope::test
