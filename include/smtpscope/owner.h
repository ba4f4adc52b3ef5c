// SPDX-License-Identifier: BSD-3-Clause
// Who a socket of this host belongs to.
#pragma once

#include <functional>
#include <string>

#include "smtpscope/packet.h"

namespace smtpscope {

/// What the system knows about a Sender; empty fields are unknown.
struct Owner {
    std::string user;       ///< name of the uid
    std::string unit;       ///< the systemd unit
    std::string container;  ///< id or name
    bool user_due = false;  ///< the user is not known yet, but may be later
    bool unit_due = false;  ///< the same for unit and container
    bool operator==(const Owner&) const = default;
};

/// Must not block, because packets do not wait. What takes longer is returned as due.
using OwnerLookup = std::function<Owner(const Sender&)>;

}  // namespace smtpscope
