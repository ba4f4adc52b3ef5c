// SPDX-License-Identifier: BSD-3-Clause
// The ways to see what an interface receives, the best first.
#include <string>

#include "capture/attach.h"
#include "catch.h"
#include "support_interfaces.h"

using namespace smtpscope::capture;
using smtpscope::test::interface_of;

namespace {

/// `xdp_native, tc_ingress` and so on.
std::string planned(const Interface& interface, XdpMode mode) {
    std::string text;
    for (const Way& way : plan_ingress(interface, mode)) {
        text += text.empty() ? "" : ", ";
        text += to_string(way.kind);
    }
    return text;
}

}  // namespace

TEST_CASE("in which way an interface is attached", "[capture]") {
    Interface loopback = interface_of(""), taken = interface_of("");
    loopback.loopback = true;
    taken.xdp_mode = 1;
    Interface taken_loopback = loopback;
    taken_loopback.xdp_mode = 1;
    const struct {
        const char* name;
        Interface interface;
        std::string automatic, native, generic, tc;
    } rows[] = {
        // Generic XDP only where it is asked for: it copies every large packet.
        {"a card", interface_of(""), "xdp_native, tc_ingress", "xdp_native", "xdp_generic", "tc_ingress"},
        {"veth", interface_of("veth"), "tc_ingress", "xdp_native", "xdp_generic", "tc_ingress"},
        {"another virtual one", interface_of("dummy"), "tc_ingress", "xdp_native", "xdp_generic", "tc_ingress"},
        {"without Ethernet", interface_of("tun", LinkLayer::none), "tc_ingress", "tc_ingress", "tc_ingress",
         "tc_ingress"},
        {"beside another XDP program", taken, "tc_ingress", "tc_ingress", "tc_ingress", "tc_ingress"},
        {"loopback: egress sees all", loopback, "", "xdp_native", "xdp_generic", ""},
        {"loopback with another XDP program", taken_loopback, "", "tc_ingress", "tc_ingress", "tc_ingress"},
    };
    for (const auto& r : rows) {
        INFO(r.name);
        CHECK(planned(r.interface, XdpMode::automatic) == r.automatic);
        CHECK(planned(r.interface, XdpMode::native) == r.native);
        CHECK(planned(r.interface, XdpMode::generic) == r.generic);
        CHECK(planned(r.interface, XdpMode::tc) == r.tc);
        CHECK(needs_egress(r.interface, plan_ingress(r.interface, XdpMode::automatic)));
    }
}
