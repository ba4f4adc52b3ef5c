// SPDX-License-Identifier: BSD-3-Clause
#include "agent/owners.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "agent/cgroup_path.h"

namespace smtpscope::agent {
namespace {

std::string mountinfo() {
    std::ifstream file("/proc/self/mountinfo");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Owners::Owners() : Owners(cgroup2_mount(mountinfo()), files::user_name) {
    users_.find(getuid());  // the first question loads the libraries that nsswitch.conf names, which takes a while
    cgroups_.find(0);       // nobody's: for what is there already no packet waits
}

Owners::Owners(const std::string& cgroup_mount, UserNames::Lookup lookup)
    : cgroups_(cgroup_mount), users_(std::move(lookup)) {}

Owner Owners::find(const Sender& sender) {
    CgroupNames names;
    if (sender.cgroup_id != 0)
        if (const auto path = cgroups_.find(sender.cgroup_id)) names = parse_cgroup_path(*path);
    Owner owner{{}, std::move(names.unit), std::move(names.container)};
    if (owner.container.empty() && sender.known()) owner.user = users_.find(sender.uid);
    return owner;
}

}  // namespace smtpscope::agent
