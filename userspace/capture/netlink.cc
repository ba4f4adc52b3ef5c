// SPDX-License-Identifier: BSD-3-Clause
#include "capture/netlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/descriptor.h"
#include "capture/source.h"

namespace smtpscope::capture::netlink {
namespace {

constexpr int most_attempts = 20;  // interfaces seldom come or go twenty times within a millisecond

Descriptor open_socket() {
    Descriptor fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd)
        throw Error(std::string("cannot open a netlink socket: ") + std::strerror(errno) +
                    "; under systemd, RestrictAddressFamilies needs AF_NETLINK");
    return fd;
}

[[noreturn]] void fail(int error) {
    throw Error(std::string("netlink dump failed: ") + std::strerror(error));
}

/// Throws if the message brings an error number: an int, negative, behind the header (netlink(7)).
void check_error(Payload message) {
    if (message.size() < sizeof(nlmsghdr) + sizeof(int)) fail(EBADMSG);
    const int code = number<int>(message.subspan(sizeof(nlmsghdr)));
    if (code < 0) fail(code == INT_MIN ? code : -code);
}

void request(const Descriptor& socket, std::uint16_t type, Payload body) {
    std::vector<std::byte> message(NLMSG_SPACE(body.size()));
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    std::memcpy(message.data(), &header, sizeof(header));
    std::memcpy(message.data() + NLMSG_HDRLEN, body.data(), body.size());
    if (send(socket.get(), message.data(), message.size(), 0) < 0) fail(errno);
}

Answer ask(std::uint16_t type, Payload body) {
    const Descriptor socket = open_socket();
    request(socket, type, body);
    Answer answer;
    std::vector<std::byte> buffer(std::size_t{64} << 10);  // twice what the kernel puts into a datagram
    for (;;) {
        const ssize_t n = recv(socket.get(), buffer.data(), buffer.size(), MSG_TRUNC);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(errno);
        const auto size = static_cast<std::size_t>(n);
        if (size > buffer.size()) fail(EMSGSIZE);
        if (!answer.add({buffer.data(), size})) return answer;
    }
}

}  // namespace

bool Answer::add(Payload datagram) {
    if (datagram.empty()) fail(EBADMSG);
    while (!datagram.empty()) {
        nlmsghdr header{};
        std::memcpy(&header, datagram.data(), std::min(sizeof(header), datagram.size()));
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) fail(EBADMSG);
        const Payload message = datagram.first(header.nlmsg_len);
        interrupted_ |= (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
            check_error(message);
            return false;
        }
        messages_.insert(messages_.end(), message.begin(), message.end());
        messages_.resize(NLMSG_ALIGN(messages_.size()));
        datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
    }
    return true;
}

void Answer::for_each(const MessageHandler& handler) const {
    for (std::size_t at = 0; at < messages_.size();) {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(messages_.data() + at);
        handler(message);
        at += NLMSG_ALIGN(message.nlmsg_len);
    }
}

void dump_bytes(std::uint16_t type, Payload body, const MessageHandler& handler) {
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const Answer answer = ask(type, body);
        if (!answer.interrupted()) return answer.for_each(handler);
    }
    throw Error("netlink dump failed: what it lists keeps changing");
}

std::string text(Payload value) {
    const char* begin = reinterpret_cast<const char*>(value.data());
    return {begin, strnlen(begin, value.size())};
}

}  // namespace smtpscope::capture::netlink
