// SPDX-License-Identifier: BSD-3-Clause
// What a packet source hands to the engine.
#pragma once

#include <cstdint>
#include <span>

#include "smtpscope/time.h"

namespace smtpscope {

using Bytes = std::span<const std::uint8_t>;

/// The outermost header of a packet.
enum class LinkType : std::uint8_t {
    ethernet,
    raw_ip,     ///< IPv4 or IPv6, by its version field
    null_loop,  ///< BSD loopback: four bytes of address family, either byte order
    linux_sll,  ///< Linux cooked capture
    linux_sll2,
};

/// Whether a wrong TCP checksum means that the packet is broken.
enum class Checksum : std::uint8_t {
    validate,  ///< complete when it was captured
    ignore,    ///< may not be filled in yet: sent by this host, or offloaded
};

/// Whose socket sent a packet of this host.
struct Sender {
    static constexpr std::uint32_t no_uid = 0xffffffff;
    std::uint32_t uid = no_uid;   ///< of the process that opened or accepted the connection
    std::uint64_t cgroup_id = 0;  ///< of that process: the inode of its directory in cgroup2; 0: unknown
    bool known() const { return uid != no_uid; }
};

/// One packet, or one piece of a packet too large for a single ring record. Valid only during the call that it is
/// passed to.
struct Packet {
    Timestamp ts;
    LinkType link = LinkType::ethernet;
    Checksum checksum = Checksum::validate;
    std::uint32_t ifindex = 0;      ///< 0: unknown
    std::uint32_t wire_length = 0;  ///< bytes from the outermost header on, before anything was cut off
    bool egress = false;            ///< it left this host
    Sender sender;                  ///< known only where a socket of this host sent it
    Bytes data;                     ///< captured bytes; for a later piece: only payload
    bool more_pieces = false;       ///< the rest of this packet follows in further pieces; nothing was cut off
    /// A later piece: the IP and TCP headers of the packet that it belongs to, and the distance in bytes of `data` from
    /// the start of that packet's IP header. Empty and 0 for a whole packet and for a first piece.
    Bytes headers;
    std::uint32_t offset = 0;
};

}  // namespace smtpscope
