// SPDX-License-Identifier: BSD-3-Clause
#include "agent/service_unit.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <utility>

#include "base/descriptor.h"

namespace smtpscope::agent {
namespace {

using config::Confinement;
using config::Runner;
using Access = Confinement::Access;
using std::chrono::steady_clock;

constexpr const char* unit_name = "smtpscope.service";
constexpr const char* asked_for =
    "--property=LoadState,User,Group,SupplementaryGroups,DynamicUser,ProtectSystem,ProtectHome,PrivateTmp,"
    "ReadWritePaths,ReadOnlyPaths,InaccessiblePaths,RuntimeDirectory,StateDirectory,CacheDirectory,LogsDirectory";
constexpr auto patience = std::chrono::seconds(5);
// The first uid that systemd may choose for DynamicUser=: such a user owns nothing yet.
constexpr std::uint32_t first_dynamic_user = 61184;

using Properties = std::map<std::string, std::string, std::less<>>;

Properties split(std::string_view lines) {
    Properties all;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos) all.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    return all;
}

/// Empty if the unit has no such property.
std::string_view value_of(const Properties& unit, std::string_view key) {
    const auto found = unit.find(key);
    return found == unit.end() ? std::string_view() : found->second;
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        if (!word.empty()) all.emplace_back(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return all;
}

std::optional<std::uint32_t> as_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> group_id(std::string_view name) {
    if (const auto number = as_number(name)) return number;
    const group* entry = ::getgrnam(std::string(name).c_str());
    return entry ? std::optional(entry->gr_gid) : std::nullopt;
}

/// All the user's groups in the user database, the primary one too.
std::vector<std::uint32_t> groups_of(const passwd& entry) {
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
        ::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count);
    }
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

/// A name that no user has: with DynamicUser= systemd makes the user; otherwise the service does not start at all.
files::Identity identity_of(const Properties& unit) {
    const std::string user(value_of(unit, "User"));
    const std::optional<std::uint32_t> number = as_number(user);
    files::Identity who;
    if (const passwd* entry = number ? ::getpwuid(*number) : ::getpwnam(user.c_str())) {
        who = {entry->pw_uid, entry->pw_gid, groups_of(*entry)};
    } else if (number) {
        who.uid = *number;
    } else if (value_of(unit, "DynamicUser") == "yes") {
        who.uid = who.gid = first_dynamic_user;
    }
    if (const auto group = group_id(value_of(unit, "Group"))) who.gid = *group;
    for (const std::string& name : words(value_of(unit, "SupplementaryGroups")))
        if (const auto group = group_id(name)) who.groups.push_back(*group);
    return who;
}

/// `-` (need not exist) and `+` (below RootDirectory=) may stand before a path.
std::string without_marks(const std::string& path) {
    return path.substr(std::min(path.find_first_not_of("-+"), path.size()));
}

void add_rules(Confinement& into, const std::string& setting, std::initializer_list<const char*> paths, Access access) {
    for (const char* path : paths) into.rules.push_back({path, access, setting});
}

/// ProtectSystem=, ProtectHome= and PrivateTmp=.
void add_protections(Confinement& into, const Properties& unit) {
    const auto is = [&](std::string_view key, std::string_view value) { return value_of(unit, key) == value; };
    if (is("ProtectSystem", "strict")) {
        add_rules(into, "ProtectSystem=strict", {"/"}, Access::read_only);
        add_rules(into, "", {"/dev", "/proc", "/sys"}, Access::writable);
    }
    if (is("ProtectSystem", "full"))
        add_rules(into, "ProtectSystem=full", {"/usr", "/boot", "/efi", "/etc"}, Access::read_only);
    if (is("ProtectSystem", "yes")) add_rules(into, "ProtectSystem=yes", {"/usr", "/boot", "/efi"}, Access::read_only);
    for (const char* value : {"yes", "tmpfs"})
        if (is("ProtectHome", value))
            add_rules(into, std::string("ProtectHome=") + value, {"/home", "/root", "/run/user"}, Access::hidden);
    if (is("ProtectHome", "read-only"))
        add_rules(into, "ProtectHome=read-only", {"/home", "/root", "/run/user"}, Access::read_only);
    if (is("PrivateTmp", "yes")) add_rules(into, "PrivateTmp=yes", {"/tmp", "/var/tmp"}, Access::hidden);
}

void add_paths(Confinement& into, const Properties& unit) {
    constexpr std::pair<const char*, Access> settings[] = {{"ReadOnlyPaths", Access::read_only},
                                                           {"ReadWritePaths", Access::writable},
                                                           {"InaccessiblePaths", Access::hidden}};
    for (const auto& [key, access] : settings) {
        for (const std::string& path : words(value_of(unit, key)))
            into.rules.push_back({without_marks(path), access, std::string(key) + "=" + path});
    }
}

/// RuntimeDirectory= and similar settings: names below a fixed place, with a link to them behind a colon.
void add_made(Confinement& into, const Properties& unit) {
    constexpr std::pair<const char*, const char*> settings[] = {{"RuntimeDirectory", "/run/"},
                                                                {"StateDirectory", "/var/lib/"},
                                                                {"CacheDirectory", "/var/cache/"},
                                                                {"LogsDirectory", "/var/log/"}};
    for (const auto& [key, above] : settings) {
        for (const std::string& name : words(value_of(unit, key))) {
            const std::string directory = name.substr(0, name.find(':')), setting = key + ("=" + name);
            into.made.push_back(above + directory);
            into.rules.push_back({above + directory, Access::writable, setting});
            // With DynamicUser= this is the directory itself.
            into.rules.push_back({above + ("private/" + directory), Access::writable, setting});
        }
    }
}

/// What the command prints; empty if it cannot be run, fails, or takes too long.
std::string output_of(const char* const* command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const bool runs =
        ::posix_spawnp(&pid, command[0], &actions, nullptr, const_cast<char* const*>(command), environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    if (!runs) return {};
    writing = Descriptor();

    std::string text;
    const auto deadline = steady_clock::now() + patience;
    for (bool more = true; more;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
        pollfd wait{reading.get(), POLLIN, 0};
        std::array<char, 4096> space;
        const bool comes = left > 0 && ::poll(&wait, 1, static_cast<int>(left)) > 0;
        const ssize_t n = comes ? ::read(reading.get(), space.data(), space.size()) : -1;
        if (n < 0) ::kill(pid, SIGKILL);
        if (n > 0) text.append(space.data(), static_cast<std::size_t>(n));
        more = n > 0;
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : std::string();
}

}  // namespace

std::optional<Runner> runner_of_unit(std::string_view properties) {
    const Properties unit = split(properties);
    if (value_of(unit, "LoadState") != "loaded") return std::nullopt;
    Runner runner{identity_of(unit), {}};
    runner.unit.unit = unit_name;
    add_protections(runner.unit, unit);
    add_paths(runner.unit, unit);
    add_made(runner.unit, unit);
    return runner;
}

Runner expected_runner() {
    if (::access("/run/systemd/system", F_OK) != 0) return {};
    constexpr const char* command[] = {"systemctl", "show", unit_name, asked_for, nullptr};
    return runner_of_unit(output_of(command)).value_or(Runner{});
}

}  // namespace smtpscope::agent
