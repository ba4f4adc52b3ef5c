// SPDX-License-Identifier: BSD-3-Clause
// Users of this system, and what they may do with its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smtpscope::files {

/// The name in the system's user database (nsswitch.conf(5)); empty if there is none.
std::string user_name(std::uint32_t uid);

struct User {
    std::uint32_t uid;
    std::string name;
};

/// The users in a file such as /etc/passwd, in its order, which takes no service to find out; none if it cannot be
/// read.
std::vector<User> local_users(const std::string& passwd = "/etc/passwd");

/// A user and groups whose rights are checked.
struct Identity {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;  ///< supplementary ones

    /// For people and commands: the name, or the number where there is none. May have to ask a directory on the
    /// network.
    std::string user() const;
    std::string group() const;
};

/// The identity of this process.
Identity own_identity();

/// Whether this process can find out what another user may do.
bool can_stand_in_for(const Identity& who);

/// access(2) with the rights of `who`, those by ACLs included: 0 or an errno. nullopt if this process cannot stand in
/// for that user. May be called while other threads run.
std::optional<int> access_error(const std::string& path, int mode, const Identity& who);

}  // namespace smtpscope::files
