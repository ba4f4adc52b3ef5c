// SPDX-License-Identifier: BSD-3-Clause
#include "agent/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace smtpscope::agent {

namespace {

// sd_notify() itself waits for as long as the receiver's queue is full, and with it signals, reload and status would.
constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};

/// Connected to $NOTIFY_SOCKET, a path or, with a leading @, an abstract name; none if there is no such receiver.
FileDescriptor connect_to_manager() {
    const char* name = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = name ? std::strlen(name) : 0;
    if (length < 2 || length > sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, name, length);
    if (name[0] == '@') address.sun_path[0] = '\0';
    FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

std::string now_as_monotonic_usec() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

ServiceManager::ServiceManager() : socket_(connect_to_manager()) {
    std::uint64_t usec = 0;
    // Half of the time allowed, as sd_watchdog_enabled(3) recommends.
    if (sd_watchdog_enabled(0, &usec) > 0) watchdog_interval_ = std::chrono::milliseconds(usec / 2000);
}

void ServiceManager::tell(std::string_view state, Importance importance) const {
    const int flags = MSG_NOSIGNAL | (importance == Importance::optional ? MSG_DONTWAIT : 0);
    if (socket_) (void)!send(socket_.get(), state.data(), state.size(), flags);
}

void ServiceManager::ready() {
    tell("READY=1", Importance::vital);
}

void ServiceManager::reloading() {
    // Both lines are what Type=notify-reload wants; others ignore the second one.
    tell("RELOADING=1\nMONOTONIC_USEC=" + now_as_monotonic_usec(), Importance::vital);
}

void ServiceManager::stopping() {
    tell("STOPPING=1", Importance::vital);
}

void ServiceManager::status(const std::string& text) {
    tell("STATUS=" + text, Importance::optional);
}

void ServiceManager::alive() {
    if (watchdog_interval_.count() > 0) tell("WATCHDOG=1", Importance::optional);
}

}  // namespace smtpscope::agent
