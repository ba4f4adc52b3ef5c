// SPDX-License-Identifier: BSD-3-Clause
#include "capture/netlink.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "capture/source.h"

namespace smtpscope::capture::netlink {
namespace {

class Socket {
  public:
    Socket() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
        if (fd_ < 0)
            throw Error(std::string("cannot open a netlink socket: ") + std::strerror(errno) +
                        "; under systemd, RestrictAddressFamilies needs AF_NETLINK");
    }
    ~Socket() { close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    int fd() const { return fd_; }

  private:
    int fd_;
};

[[noreturn]] void fail(int error) {
    throw Error(std::string("netlink dump failed: ") + std::strerror(error));
}

/// False after the last message.
bool handle_batch(std::span<const std::byte> batch, const MessageHandler& handler) {
    while (batch.size() >= sizeof(nlmsghdr)) {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(batch.data());
        if (message.nlmsg_len < sizeof(nlmsghdr) || message.nlmsg_len > batch.size()) return true;
        if (message.nlmsg_type == NLMSG_DONE) return false;
        if (message.nlmsg_type == NLMSG_ERROR) {
            const int error = -number<int>(batch.subspan(sizeof(nlmsghdr)));
            if (error == 0) return false;
            fail(error);
        }
        handler(message);
        const std::size_t step = NLMSG_ALIGN(message.nlmsg_len);
        if (step >= batch.size()) return true;
        batch = batch.subspan(step);
    }
    return true;
}

}  // namespace

void dump_bytes(std::uint16_t type, Payload body, const MessageHandler& handler) {
    const Socket socket;
    std::vector<std::byte> request(NLMSG_SPACE(body.size()));
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    std::memcpy(request.data(), &header, sizeof(header));
    std::memcpy(request.data() + NLMSG_HDRLEN, body.data(), body.size());
    if (send(socket.fd(), request.data(), request.size(), 0) < 0) fail(errno);

    std::vector<std::byte> buffer(std::size_t{64} << 10);
    for (;;) {
        const ssize_t n = recv(socket.fd(), buffer.data(), buffer.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(errno);
        if (n == 0 || !handle_batch({buffer.data(), static_cast<std::size_t>(n)}, handler)) return;
    }
}

std::string text(Payload value) {
    const char* begin = reinterpret_cast<const char*>(value.data());
    return {begin, strnlen(begin, value.size())};
}

}  // namespace smtpscope::capture::netlink
