// SPDX-License-Identifier: BSD-3-Clause
#include "agent/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace smtpscope::agent {

namespace {

// sd_notify() waits for as long as the receiver's queue is full; signals, reload and status would have to wait, too.
constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};
constexpr std::uint64_t bus_patience_usec = 500'000;

/// Connected to $NOTIFY_SOCKET, a path or, with a leading @, an abstract name; none if there is no such receiver.
Descriptor connect_to_manager() {
    const char* name = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = name ? std::strlen(name) : 0;
    if (length < 2 || length > sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, name, length);
    if (name[0] == '@') address.sun_path[0] = '\0';
    Descriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
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
    // Type=notify-reload needs both lines; other types ignore the second one.
    tell("RELOADING=1\nMONOTONIC_USEC=" + now_as_monotonic_usec(), Importance::vital);
}

void ServiceManager::stopping() {
    tell("STOPPING=1", Importance::vital);
}

void ServiceManager::status(const std::string& text) {
    std::string line = "STATUS=" + text;
    std::replace(line.begin(), line.end(), '\n', ' ');
    tell(line, Importance::optional);
}

void ServiceManager::alive() {
    if (watchdog_interval_.count() > 0) tell("WATCHDOG=1", Importance::optional);
}

std::vector<capture::Kept> ServiceManager::take_stored() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    std::vector<capture::Kept> all;
    for (int i = 0; i < count; ++i) {
        const int fd = SD_LISTEN_FDS_START + i;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        all.push_back({names[i], fd});
        stored_.insert(names[i]);
        std::free(names[i]);
    }
    std::free(names);
    return all;
}

void ServiceManager::store(const std::vector<capture::Kept>& wanted) {
    if (!socket_) return;
    std::set<std::string> names;
    for (const capture::Kept& kept : wanted) names.insert(kept.name);
    const auto remove = [&](const std::string& name) { tell("FDSTOREREMOVE=1\nFDNAME=" + name, Importance::vital); };
    for (const std::string& name : stored_) {
        if (names.count(name) != 0) continue;
        remove(name);
        known_.erase(name);
    }
    for (const capture::Kept& kept : wanted) {
        const bool there = stored_.count(kept.name) != 0;
        if (there && kept.inherited) continue;
        if (there) {
            if (known_.count(kept.name) != 0) continue;
            remove(kept.name);
        }
        // A map's descriptor cannot be polled, which the manager would do to see when it is not needed any more.
        const std::string state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + kept.name;
        sd_pid_notify_with_fds(0, 0, state.c_str(), &kept.fd, 1);
        known_.insert(kept.name);
    }
    stored_ = std::move(names);
}

bool ServiceManager::is_restarting() {
    sd_bus* bus = nullptr;
    if (sd_bus_open_system(&bus) < 0) return false;
    constexpr const char* manager = "org.freedesktop.systemd1";
    sd_bus_message* unit = nullptr;
    sd_bus_message* job = nullptr;
    char* type = nullptr;
    const char* path = nullptr;
    std::uint32_t id = 0;
    const char* job_path = nullptr;
    sd_bus_set_method_call_timeout(bus, bus_patience_usec);
    const bool known =
        sd_bus_call_method(bus, manager, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                           "GetUnitByPID", nullptr, &unit, "u", std::uint32_t{0}) >= 0 &&
        sd_bus_message_read(unit, "o", &path) >= 0 &&
        sd_bus_get_property(bus, manager, path, "org.freedesktop.systemd1.Unit", "Job", nullptr, &job, "(uo)") >= 0 &&
        sd_bus_message_read(job, "(uo)", &id, &job_path) >= 0 && id != 0 &&
        sd_bus_get_property_string(bus, manager, job_path, "org.freedesktop.systemd1.Job", "JobType", nullptr, &type) >=
            0;
    const bool restarting = known && std::string_view(type) == "restart";
    std::free(type);
    sd_bus_message_unref(unit);
    sd_bus_message_unref(job);
    sd_bus_flush_close_unref(bus);
    return restarting;
}

}  // namespace smtpscope::agent
