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

namespace smtpscope::capture::netlink {

using Payload = std::span<const std::byte>;
using MessageHandler = std::function<void(const nlmsghdr&)>;

/// Sends a dump request of `type` with `body` and passes on every message of the answer. Throws Error.
void dump_bytes(std::uint16_t type, Payload body, const MessageHandler& handler);

template <typename Body>
void dump(std::uint16_t type, const Body& body, const MessageHandler& handler) {
    dump_bytes(type, std::as_bytes(std::span(&body, 1)), handler);
}

/// The attributes behind a message's fixed part.
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
