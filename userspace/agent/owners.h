// SPDX-License-Identifier: BSD-3-Clause
// Who the sockets of this host belong to: the user's name, the systemd unit, the container.
#pragma once

#include <string>

#include "agent/cgroup_index.h"
#include "agent/user_names.h"
#include "smtpscope/owner.h"

namespace smtpscope::agent {

class Owners {
  public:
    /// By the system's user database, with the users of /etc/passwd known from the start, and the cgroups where this
    /// process sees them mounted.
    Owners();
    Owners(const std::string& cgroup_mount, UserNames::Lookup lookup);

    /// Never waits. Any thread may call it. A container has a user database of its own: there the user is left empty,
    /// and as long as the unit is due, the user is due, too.
    Owner find(const Sender& sender);
    /// False: cgroup2 is not mounted where this process could see it, so no unit is known.
    bool knows_cgroups() const { return cgroups_.usable(); }
    CgroupIndexStats stats() const { return cgroups_.stats(); }

  private:
    CgroupIndex cgroups_;
    UserNames users_;
};

}  // namespace smtpscope::agent
