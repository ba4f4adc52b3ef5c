// SPDX-License-Identifier: BSD-3-Clause
// The kernel's answer to a request for its interfaces: two bytes with the length of a datagram, then the datagram, and
// so on. What is taken of it lies within it.
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <span>
#include <string_view>
#include <vector>

#include "capture/interfaces.h"
#include "capture/netlink.h"
#include "capture/source.h"
#include "fuzz.h"

namespace smtpscope {
namespace {

namespace netlink = capture::netlink;

/// Visits attributes and what is nested in them, as far as a filter's program is.
void visit(netlink::Payload payload, int depth) {
    netlink::for_each_attribute(payload, [&](unsigned, netlink::Payload value) {
        ENSURE(value.data() >= payload.data() && value.data() + value.size() <= payload.data() + payload.size());
        if (!value.empty()) ENSURE(netlink::text(value).size() <= value.size());
        if (depth > 0) visit(value, depth - 1);
    });
}

void run(fuzz::Input in) {
    netlink::Answer answer;
    std::size_t received = 0;
    try {
        bool more = true;
        while (more && !in.empty()) {
            const std::string_view text = in.text(in.u16());
            const auto bytes = std::as_bytes(std::span(text));
            const std::vector<std::byte> datagram(bytes.begin(), bytes.end());  // one byte beyond it is an error
            received += datagram.size();
            more = answer.add(datagram);
        }
    } catch (const capture::Error&) {
        return;
    }
    std::size_t passed_on = 0;
    answer.for_each([&](const nlmsghdr& message) {
        passed_on += message.nlmsg_len;
        ENSURE(message.nlmsg_len >= sizeof(nlmsghdr) && passed_on <= received);
        if (const auto interface = capture::parse_link(message))
            ENSURE(interface->name.size() + interface->kind.size() <= message.nlmsg_len);
        visit(netlink::attributes<tcmsg>(message), 1);
    });
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
