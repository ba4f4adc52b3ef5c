// SPDX-License-Identifier: BSD-3-Clause
// Which hosts are ours, and which way a connection goes: the reference's base/utils/directions-and-hosts.
#pragma once

#include "smtpscope/address.h"
#include "smtpscope/records.h"

namespace smtpscope {

/// Kinds of hosts, as in the reference's `Host`.
enum class Host {
    local,   ///< LOCAL_HOSTS: within the local networks
    remote,  ///< REMOTE_HOSTS: not within them
    all,     ///< ALL_HOSTS
    none,    ///< NO_HOSTS
};

/// Directions of a connection, as in the reference's `Direction`.
enum class Direction {
    inbound,        ///< only the responder is local
    outbound,       ///< only the originator is local
    bidirectional,  ///< exactly one of them is local
    none,           ///< matches no connection
};

/// `Host` by its name in the configuration (`LOCAL_HOSTS`, ...); nullopt for any other text.
std::optional<Host> parse_host(std::string_view name);
std::string_view to_string(Host h);

bool addr_matches_host(const Address& a, Host h, const SubnetSet& local_nets);
bool id_matches_direction(const ConnId& id, Direction d, const SubnetSet& local_nets);

/// The ports on which SMTP servers are expected unless the configuration says otherwise.
inline constexpr std::uint16_t default_smtp_ports[] = {25, 587};

}  // namespace smtpscope
