// SPDX-License-Identifier: BSD-3-Clause
#include "capture/instance.h"

#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "capture/diagnostics.h"
#include "capture/source.h"

namespace smtpscope::capture {
namespace {

struct Name {
    sockaddr_un address{};
    socklen_t length = 0;
};

Name name_of(unsigned ifindex) {
    Name name;
    const std::string text = "smtpscope/" + std::to_string(ifindex);
    name.address.sun_family = AF_UNIX;
    std::memcpy(name.address.sun_path + 1, text.data(), text.size());
    name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    return name;
}

Descriptor open_socket() {
    Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        throw Error("cannot open a UNIX socket: " + error_text(errno) +
                    "; under systemd, RestrictAddressFamilies needs AF_UNIX");
    return fd;
}

/// False only if it is known that the process could not attach anything.
bool may_be_agent(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("CapEff:")) continue;
        const std::uint64_t effective = std::strtoull(line.c_str() + 7, nullptr, 16);
        return (effective >> CAP_NET_ADMIN & 1) != 0;
    }
    return true;
}

/// Who listens: a process id, 0 if it is unknown, -1 if that process cannot be an agent. Any user may take a name;
/// one without an agent's rights must not be able to keep us from starting.
pid_t find_holder(const Name& name) {
    const Descriptor fd = open_socket();
    const auto* address = reinterpret_cast<const sockaddr*>(&name.address);
    const bool connected = connect(fd.get(), address, name.length) == 0;
    ucred peer{};
    socklen_t size = sizeof(peer);
    const bool known = connected && getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    if (!known) return 0;
    return may_be_agent(peer.pid) ? peer.pid : -1;
}

}  // namespace

InstanceLock::InstanceLock(unsigned ifindex) : fd_(open_socket()) {
    const Name name = name_of(ifindex);
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name.address), name.length) == 0) {
        listen(fd_.get(), 64);
        return;
    }
    holder_ = find_holder(name);
}

}  // namespace smtpscope::capture
