// SPDX-License-Identifier: BSD-3-Clause
#include "files/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace smtpscope::files {
namespace {

/// Quoted so that a shell reads it as one word.
std::string word(const std::string& path) {
    constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%";
    if (path.find_first_not_of(plain) == std::string::npos) return path;
    std::string quoted = "'";
    for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string owner_of(const struct stat& status) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777U));
    const Identity owner{status.st_uid, status.st_gid, {}};
    return owner.user() + ":" + owner.group() + ", mode " + mode;
}

/// The directory that holds it.
std::string parent(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    const std::size_t slash = end == std::string::npos ? end : path.find_last_of('/', end);
    if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// The first directory on the way to `path` that `who` cannot pass; empty if there is none.
std::string barrier(const std::string& path, const Identity& who) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        std::string above = slash == 0 ? "/" : path.substr(0, slash);
        if (access_error(above, X_OK, who) == EACCES) return above;
    }
    return {};
}

Obstacle denied(const std::string& path, Use use, const Identity& who) {
    const std::string closed = barrier(path, who);
    struct stat status {};
    ::stat((closed.empty() ? path : closed).c_str(), &status);
    const std::string user = "user " + who.user(), owner = " (" + owner_of(status) + ")";
    if (!closed.empty())
        return {user + " may not pass through " + closed + owner, "let it pass there, or name another place"};
    if (use == Use::key)
        return {user + " may not read it" + owner,
                "`chgrp " + who.group() + " " + word(path) + "; chmod 0640 " + word(path) + "`"};
    const std::string own =
        "give it to that user with `chown " + who.user() + ":" + who.group() + " " + word(path) + "`";
    if (use == Use::log) return {user + " may not write it" + owner, own};
    return {user + " may not write there" + owner, own + ", or name another directory"};
}

/// What an error of access() means.
std::optional<Obstacle> by_error(int error, const std::string& path, Use use, const Identity& who) {
    if (error == 0) return std::nullopt;
    if (error == EACCES) return denied(path, use, who);
    if (error == EROFS)
        return Obstacle{std::strerror(error),
                        "mount it for writing, or name another place; where the service's unit makes it read-only "
                        "(ProtectSystem=strict): `systemctl edit smtpscope`, there the lines [Service] and "
                        "ReadWritePaths=" +
                            path + ", then `systemctl restart smtpscope`"};
    return Obstacle{std::strerror(error), "name another place"};
}

std::optional<Obstacle> missing(const std::string& path, Use use, const Identity& who) {
    const std::string why = std::strerror(ENOENT);
    if (use == Use::key) return Obstacle{why, "make it, or name another"};
    const std::string remedy = "create it with `" + command_to_make(path, use, who) + "`, or name another";
    if (use == Use::logs) return Obstacle{why, remedy};
    const std::string above = parent(path);
    const std::optional<int> error = access_error(above, W_OK | X_OK, who);
    if (!error && ::access(above.c_str(), F_OK) == 0) return std::nullopt;
    if (error == EROFS) return by_error(EROFS, above, use, who);
    if (error == 0) return std::nullopt;
    return Obstacle{why, remedy};
}

/// For a file in a directory that can be used; an obstacle of the directory itself is reported for the directory.
std::optional<Obstacle> obstacle_to_appending(const std::string& path, const Identity& who) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || access_error(parent(path), W_OK | X_OK, who) != 0) return std::nullopt;
    if (S_ISDIR(status.st_mode)) return Obstacle{std::strerror(EISDIR), "move it away"};
    return by_error(access_error(path, W_OK, who).value_or(0), path, Use::log, who);
}

}  // namespace

std::string command_to_make(const std::string& directory, Use use, const Identity& who) {
    return "install -d -o " + who.user() + " -g " + who.group() + " -m " +
           (use == Use::extraction ? "0700 " : "0750 ") + word(directory);
}

std::optional<Obstacle> obstacle(const std::string& path, Use use, const Identity& who) {
    if (use == Use::log) return obstacle_to_appending(path, who);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return missing(path, use, who);
        // A path that this process cannot enter may be open to that user.
        return errno == EACCES && who.uid != ::geteuid() ? std::nullopt : by_error(errno, path, use, who);
    }
    if (use != Use::key && !S_ISDIR(status.st_mode)) return Obstacle{std::strerror(ENOTDIR), "name a directory"};
    if (use == Use::extraction && (status.st_mode & S_IWOTH) != 0)
        return Obstacle{"everybody may write there", "take that right away, or name another directory"};
    const int wanted = use == Use::key ? R_OK : W_OK | X_OK;
    return by_error(access_error(path, wanted, who).value_or(0), path, use, who);
}

}  // namespace smtpscope::files
