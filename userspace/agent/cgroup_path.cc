// SPDX-License-Identifier: BSD-3-Clause
#include "agent/cgroup_path.h"

#include <algorithm>
#include <optional>

namespace smtpscope::agent {
namespace {

constexpr std::size_t id_length = 64;  // hexadecimal digits of a container's id, in every runtime

/// What follows the prefix, without the suffix; nullopt if one of them is not there or nothing is between them.
std::optional<std::string_view> between(std::string_view text, std::string_view prefix, std::string_view suffix = {}) {
    if (text.size() <= prefix.size() + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix)) return {};
    return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_id(std::string_view text) {
    return text.size() == id_length && std::all_of(text.begin(), text.end(), is_hex);
}

/// systemd.unit(5), "string escaping": `\x2d` is a dash; a dash is a slash, which no machine's name has.
std::string unescaped(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped =
            text.substr(i, 2) == "\\x" && i + 3 < text.size() && is_hex(text[i + 2]) && is_hex(text[i + 3]);
        out += escaped ? static_cast<char>(digit(text[i + 2]) << 4 | digit(text[i + 3])) : text[i];
        if (escaped) i += 3;
    }
    return out;
}

bool is_unit(std::string_view name) {
    return between(name, {}, ".service") || between(name, {}, ".scope") || between(name, {}, ".socket");
}

/// `docker-ID.scope`, `cri-containerd-ID.scope`, ...: each runtime has a prefix of its own. The scopes of the processes
/// that monitor containers look the same, except for their `conmon`.
std::optional<std::string_view> id_of_scope(std::string_view name) {
    const auto rest = between(name, {}, ".scope");
    if (!rest || rest->size() <= id_length + 1) return {};
    const std::string_view prefix = rest->substr(0, rest->size() - id_length), id = rest->substr(prefix.size());
    if (!prefix.ends_with('-') || prefix.ends_with("conmon-") || !is_id(id)) return {};
    return id;
}

/// The container that this folder stands for, if it does. `parent`: the folder that it is in.
std::optional<std::string> container_of(std::string_view name, std::string_view parent) {
    if (is_id(name)) return std::string(name);  // Docker and Kubernetes without systemd
    if (const auto id = id_of_scope(name)) return std::string(*id);
    if (const auto machine = between(name, "systemd-nspawn@", ".service")) return unescaped(*machine);
    if (const auto machine = between(name, "machine-", ".scope")) return unescaped(*machine);
    if (const auto lxc = between(name, "lxc.payload.")) return std::string(*lxc);
    if (parent == "lxc" || parent == "lxc.payload") return std::string(name);
    return {};
}

}  // namespace

CgroupNames parse_cgroup_path(std::string_view path) {
    CgroupNames names;
    std::string_view parent, unit, slice;
    while (!path.empty()) {
        std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        if (name.empty()) continue;
        if (auto container = container_of(name, parent)) names.container = std::move(*container);
        parent = name;
        // systemd puts an underscore before a unit's name that could be taken for a file of the kernel.
        if (name.starts_with('_')) name.remove_prefix(1);
        if (is_unit(name)) unit = name;
        if (between(name, {}, ".slice")) slice = name;
    }
    names.unit = unit.empty() ? slice : unit;
    return names;
}

}  // namespace smtpscope::agent
