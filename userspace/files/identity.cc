// SPDX-License-Identifier: BSD-3-Clause
#include "files/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <thread>

namespace smtpscope::files {
namespace {

constexpr std::size_t least_buffer = 1024, most_buffer = std::size_t{1} << 20;  // bytes of an entry in the database

/// The name in the database entry of an id, by getpwuid_r() or getgrgid_r().
template <class Entry, class Get>
std::string name_of(std::uint32_t number, Get get, char* Entry::*name) {
    std::vector<char> buffer(least_buffer);
    for (;;) {
        Entry entry{};
        Entry* found = nullptr;
        const int error = get(number, &entry, buffer.data(), buffer.size(), &found);
        if (error != ERANGE || buffer.size() >= most_buffer) return found ? found->*name : std::string();
        buffer.resize(buffer.size() * 4);
    }
}

std::string name_or_number(std::string name, std::uint32_t number) {
    return name.empty() ? std::to_string(number) : std::move(name);
}

#ifdef SYS_setgroups32
constexpr long set_groups = SYS_setgroups32;
#else
constexpr long set_groups = SYS_setgroups;
#endif

/// For this thread only, unlike setgroups() of the C library. It also drops the capabilities that concern files.
bool stand_in_for(const Identity& who) {
    if (::syscall(set_groups, who.groups.size(), who.groups.data()) != 0) return false;
    ::setfsgid(who.gid);
    ::setfsuid(who.uid);
    // Both do not report whether they succeeded; called with an impossible id, they return the one in effect.
    constexpr auto impossible = static_cast<std::uint32_t>(-1);
    return static_cast<std::uint32_t>(::setfsgid(impossible)) == who.gid &&
           static_cast<std::uint32_t>(::setfsuid(impossible)) == who.uid;
}

}  // namespace

std::string user_name(std::uint32_t uid) {
    return name_of(uid, ::getpwuid_r, &::passwd::pw_name);
}

std::vector<User> local_users(const std::string& passwd) {
    std::vector<User> users;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(passwd.c_str(), "re"), &std::fclose);
    std::vector<char> buffer(least_buffer);
    ::passwd entry{};
    ::passwd* found = nullptr;
    while (file) {
        const int error = ::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < most_buffer)
            buffer.resize(buffer.size() * 4);  // the same line comes again
        else if (error != 0)
            break;
        else
            users.push_back({entry.pw_uid, entry.pw_name});
    }
    return users;
}

std::string Identity::user() const {
    return name_or_number(user_name(uid), uid);
}

std::string Identity::group() const {
    return name_or_number(name_of(gid, ::getgrgid_r, &::group::gr_name), gid);
}

Identity own_identity() {
    return {::geteuid(), ::getegid(), {}};
}

bool can_stand_in_for(const Identity& who) {
    return access_error("/", F_OK, who).has_value();
}

std::optional<int> access_error(const std::string& path, int mode, const Identity& who) {
    const auto look = [&] { return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno; };
    if (who.uid == ::geteuid()) return look();
    std::optional<int> error;
    std::thread([&] {
        if (stand_in_for(who)) error = look();
    }).join();
    return error;
}

}  // namespace smtpscope::files
