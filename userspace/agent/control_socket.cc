// SPDX-License-Identifier: BSD-3-Clause
#include "agent/control_socket.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

#include "agent/json.h"

namespace smtpscope::agent {

using std::chrono::steady_clock;

namespace {

constexpr std::size_t max_clients = 32;
constexpr std::size_t max_request = 256;
constexpr auto client_time = std::chrono::seconds(5);
constexpr std::string_view error_begin = R"({"error":")", error_end = R"("})";

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("control.socket: a path must have 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes, not " +
                                 std::to_string(path.size()));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

/// Reads up to `space`: the number of bytes, 0 at the end, -1 with errno.
ssize_t receive(int fd, std::span<char> space) {
    ssize_t n = 0;
    do {
        n = recv(fd, space.data(), space.size(), 0);
    } while (n < 0 && errno == EINTR);
    return n;
}

ssize_t transmit(int fd, std::string_view bytes) {
    ssize_t n = 0;
    do {
        n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n;
}

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

bool is_trusted(int fd, const PeerCheck& check) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && check(peer.pid, peer.uid);
}

}  // namespace

ControlSocket::ControlSocket(std::string path, Answer answer) : path_(std::move(path)), answer_(std::move(answer)) {
    const auto folder = std::filesystem::path(path_).parent_path();
    std::error_code error;
    if (!folder.empty()) std::filesystem::create_directory(folder, error);  // errors are reported by open()
    epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) fail("epoll_create1");
    lock();
    listen();
}

ControlSocket::~ControlSocket() {
    if (!listener_) return;
    unlink(path_.c_str());
    unlink((path_ + ".lock").c_str());
}

void ControlSocket::lock() {
    const std::string path = path_ + ".lock";
    for (;;) {
        lock_ = Descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!lock_) fail(path);
        if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) fail(path);
            throw SocketInUse("another agent is running and answers on " + path_ +
                              ": stop it first, or give this one a control.socket of its own");
        }
        // The former owner may have removed the file between open and flock; a lock on that is of no use.
        struct stat held {};
        struct stat named {};
        if (fstat(lock_.get(), &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev) {
            return;
        }
    }
}

void ControlSocket::listen() {
    const sockaddr_un address = address_of(path_);
    struct stat old {};
    if (lstat(path_.c_str(), &old) == 0) {
        if (!S_ISSOCK(old.st_mode)) throw std::runtime_error(path_ + " exists and is not a socket");
        if (unlink(path_.c_str()) != 0) fail(path_);
    }
    Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) fail("socket");
    // The socket is created with its final mode.
    const mode_t mask = umask(0117);
    const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int why = errno;
    umask(mask);
    errno = why;
    if (bound != 0) fail(path_);
    if (::listen(fd.get(), 16) != 0) fail(path_);
    watch(EPOLL_CTL_ADD, fd.get(), EPOLLIN, nullptr);
    listener_ = std::move(fd);
}

void ControlSocket::watch(int operation, int fd, std::uint32_t events, void* what) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = what;
    if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) fail("epoll_ctl");
}

void ControlSocket::serve() {
    std::array<epoll_event, 16> events;
    const int n = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < n; ++i) {
        auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (client == nullptr) {
            accept_all();
        } else if (proceed(*client) == Progress::finished) {
            clients_.remove_if([client](const Client& c) { return &c == client; });
        }
    }
}

void ControlSocket::expire() {
    const auto now = steady_clock::now();
    clients_.remove_if([now](const Client& c) { return c.deadline <= now; });
}

void ControlSocket::accept_all() {
    for (;;) {
        Descriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) return;
        if (clients_.size() >= max_clients) continue;  // hangs up
        Client& client = clients_.emplace_back();
        client.fd = std::move(fd);
        client.deadline = steady_clock::now() + client_time;
        watch(EPOLL_CTL_ADD, client.fd.get(), EPOLLIN, &client);
    }
}

ControlSocket::Progress ControlSocket::proceed(Client& client) {
    if (client.answer.empty() && read_request(client) == Progress::finished) return Progress::finished;
    return client.answer.empty() ? Progress::waiting : write_answer(client);
}

ControlSocket::Progress ControlSocket::read_request(Client& client) {
    std::array<char, max_request> space;
    const ssize_t n = receive(client.fd.get(), space);
    if (n < 0) return would_block() ? Progress::waiting : Progress::finished;
    client.request.append(space.data(), static_cast<std::size_t>(n));
    const std::size_t end = client.request.find('\n');
    if (end == std::string::npos && n != 0) {
        return client.request.size() < max_request ? Progress::waiting : Progress::finished;
    }
    client.answer = answer_(std::string_view(client.request).substr(0, end));
    return client.answer.empty() ? Progress::finished : Progress::waiting;
}

ControlSocket::Progress ControlSocket::write_answer(Client& client) {
    while (client.sent < client.answer.size()) {
        const ssize_t n = transmit(client.fd.get(), std::string_view(client.answer).substr(client.sent));
        if (n < 0) {
            if (!would_block()) return Progress::finished;
            watch(EPOLL_CTL_MOD, client.fd.get(), EPOLLOUT, &client);
            return Progress::waiting;
        }
        client.sent += static_cast<std::size_t>(n);
    }
    return Progress::finished;
}

std::string error_answer(std::string_view why) {
    JsonWriter json;
    json.begin_object().key("error").value(why).end_object();
    return json.text() + '\n';
}

std::string ask(const std::string& path, std::string_view request, std::chrono::seconds patience,
                const PeerCheck& check) {
    const sockaddr_un address = address_of(path);
    const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) fail("socket");
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            throw std::runtime_error("no agent is running: nobody answers on " + path);
        }
        fail(path);
    }
    if (check && !is_trusted(fd.get(), check))
        throw std::runtime_error("the process that listens on " + path + " is not the agent that is looked for");
    if (transmit(fd.get(), std::string(request) + '\n') < 0) fail(path);
    std::string answer;
    std::array<char, 4096> space;
    for (;;) {
        const ssize_t n = receive(fd.get(), space);
        if (n < 0)
            throw std::runtime_error("the agent at " + path +
                                     " does not answer: its process is stopped or busy; try again later");
        if (n == 0) break;
        answer.append(space.data(), static_cast<std::size_t>(n));
    }
    if (answer.empty()) throw std::runtime_error("the agent at " + path + " gave no answer");
    if (answer.starts_with(error_begin))
        throw std::runtime_error(unquoted(
            std::string_view(answer).substr(error_begin.size(), answer.rfind(error_end) - error_begin.size())));
    return answer;
}

}  // namespace smtpscope::agent
