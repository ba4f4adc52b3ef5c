// SPDX-License-Identifier: BSD-3-Clause
// What the service manager is told, over a socket as systemd's, and what it gives back.
#include "agent/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::agent;

namespace {

/// The other end of $NOTIFY_SOCKET: an abstract address of this process's own.
class Manager {
  public:
    Manager() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socklen_t length = sizeof(sa_family_t);  // a name that the kernel chooses
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
        length = sizeof(address);
        REQUIRE(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        const std::string name(address.sun_path + 1, length - offsetof(sockaddr_un, sun_path) - 1);
        setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }
    ~Manager() { unsetenv("NOTIFY_SOCKET"); }

    /// All that has come: each datagram with `|` for its line ends, and the device and inode of a descriptor with it.
    std::vector<std::string> heard() const {
        std::vector<std::string> all;
        for (;;) {
            char text[512];
            alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
            iovec part{text, sizeof(text)};
            msghdr message{};
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            message.msg_control = control;
            message.msg_controllen = sizeof(control);
            const ssize_t n = recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
            if (n < 0) return all;
            std::string line(text, static_cast<std::size_t>(n));
            for (char& c : line)
                if (c == '\n') c = '|';
            if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header && header->cmsg_type == SCM_RIGHTS) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
                line += " " + identity(fd);
                close(fd);
            }
            all.push_back(std::move(line));
        }
    }

    static std::string identity(int fd) {
        struct stat info {};
        REQUIRE(fstat(fd, &info) == 0);
        return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    }

  private:
    Descriptor socket_;
};

using Lines = std::vector<std::string>;

struct Pipe {
    Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int ends[2];
};

/// What a process gets that was started with `names` (LISTEN_FDNAMES) in its store: each name with the number of its
/// descriptor, in brackets if that would go on to programs that it starts.
std::string stored(const std::string& names, int count) {
    Pipe answer;
    const pid_t child = fork();
    if (child == 0) {
        const int out = fcntl(answer.ends[1], F_DUPFD, 100);
        for (int fd = 3; fd < 3 + count; ++fd) dup2(out, fd);
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
        setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
        setenv("LISTEN_FDNAMES", names.c_str(), 1);
        ServiceManager manager;
        std::string all;
        for (const capture::Kept& kept : manager.take_stored()) {
            const bool goes_on = (fcntl(kept.fd, F_GETFD) & FD_CLOEXEC) == 0;
            all += kept.name + "=" + (goes_on ? "[" : "") + std::to_string(kept.fd) + (goes_on ? "]" : "") + " ";
        }
        all += std::getenv("LISTEN_FDS") ? "LISTEN_FDS goes on" : "and no more";
        _exit(write(out, all.data(), all.size()) == static_cast<ssize_t>(all.size()) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    char text[256];
    if (status != 0) return "nothing";
    const ssize_t n = read(answer.ends[0], text, sizeof(text));
    return {text, n > 0 ? static_cast<std::size_t>(n) : 0};
}

}  // namespace

TEST_CASE("the service manager hears how it goes", "[service]") {
    const Manager manager;
    ServiceManager service;
    service.ready();
    service.status("two sessions");
    service.stopping();
    service.alive();  // there is no watchdog
    CHECK(manager.heard() == Lines{"READY=1", "STATUS=two sessions", "STOPPING=1"});
    service.reloading();
    const Lines heard = manager.heard();
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].starts_with("RELOADING=1|MONOTONIC_USEC="));
}

TEST_CASE("without a service manager nothing is said, and nothing fails", "[service]") {
    unsetenv("NOTIFY_SOCKET");
    const Pipe one;
    for (const char* address : {"", "/", "@", "/no/such/socket"}) {
        INFO(address);
        if (*address != '\0') setenv("NOTIFY_SOCKET", address, 1);
        ServiceManager service;
        CHECK_NOTHROW(service.ready());
        CHECK_NOTHROW(service.store({{"a", one.ends[0]}}));
        CHECK(service.take_stored().empty());
    }
    unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("the store holds what is wanted and nothing else of ours", "[service]") {
    const Manager manager;
    ServiceManager service;
    const Pipe one, two;
    const int a = one.ends[0], b = two.ends[0];
    const std::string put = "FDSTORE=1|FDPOLL=0|FDNAME=", remove = "FDSTOREREMOVE=1|FDNAME=";
    service.store({{"a", a}, {"b", b}});
    CHECK(manager.heard() == Lines{put + "a " + Manager::identity(a), put + "b " + Manager::identity(b)});
    service.store({{"a", a}, {"b", b}});
    CHECK(manager.heard().empty());
    service.store({{"b", b}});
    CHECK(manager.heard() == Lines{remove + "a"});
    service.store({{"b", b}, {"a", b}});
    CHECK(manager.heard() == Lines{put + "a " + Manager::identity(b)});
    service.store({});
    CHECK(manager.heard() == Lines{remove + "a", remove + "b"});
}

TEST_CASE("what an earlier process stored comes back under its name", "[service]") {
    CHECK(stored("smtpscope-1-map:other", 2) == "smtpscope-1-map=3 other=4 and no more");
    CHECK(stored("", 0) == "and no more");
}
