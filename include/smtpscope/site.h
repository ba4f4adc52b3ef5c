// SPDX-License-Identifier: BSD-3-Clause
// Which hosts are ours: the reference's base/utils/directions-and-hosts.
#pragma once

#include "smtpscope/address.h"

namespace smtpscope {

/// Kinds of hosts, as in the reference's `Host`.
enum class Host {
    local,   ///< LOCAL_HOSTS: within the local networks
    remote,  ///< REMOTE_HOSTS: not within them
    all,     ///< ALL_HOSTS
    none,    ///< NO_HOSTS
};

bool addr_matches_host(const Address& a, Host h, const SubnetSet& local_nets);

/// The ports on which SMTP servers are expected unless the configuration says otherwise.
inline constexpr std::uint16_t default_smtp_ports[] = {25, 587};

}  // namespace smtpscope
