// SPDX-License-Identifier: BSD-3-Clause
#include "agent/find_agent.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "agent/control_socket.h"

namespace smtpscope::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view process_name = "smtpscope";
constexpr std::string_view listening = "00010000";  // __SO_ACCEPTCON of the kernel's net.h

/// Of sockets that are listened at in the network namespace of the process: what its descriptors link to, and the path.
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

/// What cannot be read, as of another user's process, is left out.
void add_sockets(const fs::path& process, std::set<std::string>& sockets) {
    const auto known = listeners(process);
    std::error_code error;
    for (fs::directory_iterator it(process / "fd", error), end; !error && it != end; it.increment(error)) {
        std::error_code gone;
        const auto found = known.find(fs::read_symlink(it->path(), gone).string());
        if (found != known.end()) sockets.insert(found->second);
    }
}

/// Whether an agent answers there and has that file.
bool answers(const std::string& socket, const std::string& file) {
    try {
        const Loaded loaded = ask_configuration(socket);
        return file.empty() || loaded.file == file;
    } catch (const std::exception&) {
        return false;
    }
}

std::set<std::string> running_agents(const std::string& file) {
    std::set<std::string> sockets;
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error))
        if (is_other_agent(it->path())) add_sockets(it->path(), sockets);
    std::erase_if(sockets, [&](const std::string& socket) { return !answers(socket, file); });
    return sockets;
}

}  // namespace

std::string configuration_answer(const std::string& file, const Refusal& refusal) {
    return file + '\n' + in_words(refusal);
}

Loaded ask_configuration(const std::string& socket) {
    const std::string answer = ask(socket, "configuration");
    const std::size_t end = answer.find('\n');
    return {answer.substr(0, end), end == std::string::npos ? "" : answer.substr(end + 1)};
}

std::string find_agent(const std::string& expected, const std::string& file) {
    if (answers(expected, file)) return expected;
    const std::set<std::string> sockets = running_agents(file);
    if (sockets.size() <= 1) return sockets.empty() ? expected : *sockets.begin();
    std::string names;
    for (const std::string& socket : sockets) names += (names.empty() ? "" : ", ") + socket;
    throw std::runtime_error("several agents are running; name the socket of one with --set control.socket=: " + names);
}

}  // namespace smtpscope::agent
