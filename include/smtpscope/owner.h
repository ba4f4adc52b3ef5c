// SPDX-License-Identifier: BSD-3-Clause
// Who a socket of this host belongs to.
#pragma once

#include <functional>
#include <string>

#include "smtpscope/packet.h"

namespace smtpscope {

/// What the system knows of a Sender; what is empty is not known.
struct Owner {
    std::string user;       ///< name of the uid
    std::string unit;       ///< of systemd
    std::string container;  ///< id or name
    bool user_due = false;  ///< the user is not known yet, but may be later
    bool unit_due = false;  ///< the same for unit and container
    bool operator==(const Owner&) const = default;
};

/// May not wait: packets do not. What takes longer is due.
using OwnerLookup = std::function<Owner(const Sender&)>;

}  // namespace smtpscope
