// SPDX-License-Identifier: BSD-3-Clause
// Dumps over rtnetlink: just enough to ask what interfaces and filters there are.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace smtpscope::capture::netlink {

using Payload = std::span<const std::byte>;
using MessageHandler = std::function<void(const nlmsghdr&)>;

/// The answer to a dump request, as its datagrams come.
class Answer {
  public:
    /// False once it is whole. Throws Error if the kernel refused, or if something is cut off.
    bool add(Payload datagram);
    /// Something changed while it was written (NLM_F_DUMP_INTR): entries may be missing, or there twice.
    bool interrupted() const { return interrupted_; }
    void for_each(const MessageHandler& handler) const;

  private:
    std::vector<std::byte> messages_;  ///< each padded to NLMSG_ALIGNTO
    bool interrupted_ = false;
};

/// Sends a dump request of `type` with `body` and passes on every message of the answer, once it is whole; asks again
/// where it was interrupted. Throws Error.
void dump_bytes(std::uint16_t type, Payload body, const MessageHandler& handler);

template <typename Body>
void dump(std::uint16_t type, const Body& body, const MessageHandler& handler) {
    dump_bytes(type, std::as_bytes(std::span(&body, 1)), handler);
}

/// The attributes after a message's fixed part.
template <typename Fixed>
Payload attributes(const nlmsghdr& message) {
    constexpr std::size_t skip = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(Fixed)));
    if (message.nlmsg_len < skip) return {};
    return {reinterpret_cast<const std::byte*>(&message) + skip, message.nlmsg_len - skip};
}

template <typename Visit>
void for_each_attribute(Payload payload, Visit visit) {
    while (payload.size() >= sizeof(nlattr)) {
        nlattr header;
        std::memcpy(&header, payload.data(), sizeof(header));
        if (header.nla_len < sizeof(nlattr) || header.nla_len > payload.size()) return;
        visit(static_cast<unsigned>(header.nla_type & NLA_TYPE_MASK),
              payload.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr)));
        const std::size_t step = NLA_ALIGN(header.nla_len);
        if (step >= payload.size()) return;
        payload = payload.subspan(step);
    }
}

template <typename T>
T number(Payload value) {
    T result{};
    if (value.size() >= sizeof(T)) std::memcpy(&result, value.data(), sizeof(T));
    return result;
}

/// Text up to its NUL.
std::string text(Payload value);

}  // namespace smtpscope::capture::netlink
