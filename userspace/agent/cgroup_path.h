// SPDX-License-Identifier: BSD-3-Clause
// What the path of a cgroup says about the processes in it.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::agent {

/// Empty: the path names none.
struct CgroupNames {
    /// Of systemd, as systemctl shows it: the innermost service, scope or socket, else the innermost slice. In a
    /// container that runs a systemd of its own it is a unit of that systemd. Names below `user@UID.service` were
    /// chosen by that user.
    std::string unit;
    /// Of the innermost container: the id that Docker, Podman, CRI-O, containerd or Kubernetes gave it, or the name
    /// that LXC or systemd-machined knows it by.
    std::string container;
    bool operator==(const CgroupNames&) const = default;
};

/// `path`: from the root of the hierarchy on, `/system.slice/cron.service`. Any bytes; linear in their number.
CgroupNames parse_cgroup_path(std::string_view path);

}  // namespace smtpscope::agent
