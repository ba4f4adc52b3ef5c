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
    for (const files::User& user : files::local_users()) users_.know(user);  // their first mail has a name, too
    users_.find(getuid());  // the first look-up loads the libraries that nsswitch.conf names, which takes a while
    cgroups_.find(0);       // not a real id: the tree is read at the start
}

Owners::Owners(const std::string& cgroup_mount, UserNames::Lookup lookup)
    : cgroups_(cgroup_mount), users_(std::move(lookup)) {}

Owner Owners::find(const Sender& sender) {
    Owner owner;
    if (sender.cgroup_id != 0) {
        const auto path = cgroups_.find(sender.cgroup_id);
        CgroupNames names = parse_cgroup_path(path.value_or(""));
        owner.unit = std::move(names.unit);
        owner.container = std::move(names.container);
        owner.unit_due = !path;
    }
    if (owner.container.empty() && sender.known()) {
        const auto user = users_.find(sender.uid);
        owner.user_due = !user || owner.unit_due;  // a unit that is not known yet may be in a container
        if (!owner.user_due) owner.user = user.value_or("");
    }
    return owner;
}

}  // namespace smtpscope::agent
