// SPDX-License-Identifier: BSD-3-Clause
#include "agent/find_agent.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "agent/control_socket.h"
#include "config/places.h"
#include "files/identity.h"

namespace smtpscope::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view process_name = "smtpscope", service_user = "smtpscope";
constexpr std::string_view listening = "00010000";  // __SO_ACCEPTCON of the kernel's net.h

/// The listening sockets in the network namespace of the process: what its descriptors link to, and the path.
std::map<std::string, std::string> listeners(const fs::path& process) {
    std::map<std::string, std::string> all;
    std::ifstream table(process / "net/unix");
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string number, references, protocol, flags, type, state, inode, path;
        fields >> number >> references >> protocol >> flags >> type >> state >> inode >> std::ws;
        if (std::getline(fields, path) && flags == listening && path.starts_with('/'))
            all["socket:[" + inode + "]"] = path;
    }
    return all;
}

bool is_other_agent(const fs::path& process) {
    std::string name;
    std::ifstream comm(process / "comm");
    return std::getline(comm, name) && name == process_name && process.filename() != std::to_string(getpid());
}

/// Where the process listens. What cannot be read is left out, such as another user's process.
std::set<std::string> sockets_of(const fs::path& process) {
    std::set<std::string> sockets;
    const auto known = listeners(process);
    std::error_code error;
    for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
        std::error_code gone;
        const auto found = known.find(fs::read_symlink(it->path(), gone).string());
        if (found != known.end()) sockets.insert(found->second);
    }
    return sockets;
}

/// By the user alone: anybody may give a process the agent's name, or start this program and answer in its place.
PeerCheck trusts(const fs::path& process) {
    return [process](pid_t peer, uid_t user) {
        return process.filename() == std::to_string(peer) &&
               (user == 0 || user == geteuid() || files::user_name(user) == service_user);
    };
}

/// nullopt if no agent answers there, or one that cannot be trusted.
std::optional<FoundAgent> agent_at(const std::string& socket, const PeerCheck& check) {
    try {
        const std::string answer = ask(socket, "configuration", std::chrono::seconds(5), check);
        const std::size_t end = answer.find('\n');
        return FoundAgent{socket, {answer.substr(0, end), end == std::string::npos ? "" : answer.substr(end + 1)}};
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::vector<FoundAgent> running_agents(const std::string& file) {
    std::vector<FoundAgent> agents;
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
        if (!is_other_agent(it->path())) continue;
        for (const std::string& socket : sockets_of(it->path()))
            if (auto agent = agent_at(socket, trusts(it->path())); agent && has_file(*agent, file))
                agents.push_back(std::move(*agent));
    }
    return agents;
}

}  // namespace

std::string configuration_answer(const std::string& file, const Refusal& refusal) {
    return file + '\n' + in_words(refusal);
}

std::optional<FoundAgent> agent_at(const std::string& socket) {
    return agent_at(socket, {});
}

bool has_file(const FoundAgent& agent, const std::string& file) {
    return file.empty() || config::resolved(agent.loaded.file) == config::resolved(file);
}

std::optional<FoundAgent> find_agent(const std::string& expected, const std::string& file) {
    auto there = agent_at(expected);
    if (there && has_file(*there, file)) return there;
    std::vector<FoundAgent> agents = running_agents(file);
    if (agents.empty()) return there;
    if (agents.size() == 1) return std::move(agents.front());
    std::string names;
    for (const FoundAgent& agent : agents) names += (names.empty() ? "" : ", ") + agent.socket;
    throw std::runtime_error("several agents are running; name the socket of one with --set control.socket=: " + names);
}

}  // namespace smtpscope::agent
