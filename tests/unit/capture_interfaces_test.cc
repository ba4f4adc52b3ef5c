// SPDX-License-Identifier: BSD-3-Clause
// Interfaces as the kernel reports them, in network namespaces of the tests' own.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "capture/choice.h"
#include "capture/interfaces.h"
#include "catch.h"
#include "skip.h"
#include "support_interfaces.h"
#include "support_netns.h"
#include "support_wait.h"

using namespace smtpscope::capture;
using namespace smtpscope::test;
using namespace std::chrono_literals;

namespace {

/// An empty interface if there is none of that name.
Interface named(const std::string& name) {
    const std::vector<Interface> all = list_interfaces();
    const auto it = std::find_if(all.begin(), all.end(), [&](const Interface& i) { return i.name == name; });
    return it == all.end() ? Interface{} : *it;
}

std::string names() {
    std::string all;
    for (const Interface& i : list_interfaces()) all += (all.empty() ? "" : " ") + i.name;
    return all;
}

/// Whether the monitor says `expected` within ten seconds: the kernel tells of some changes a little later.
bool says(LinkMonitor& monitor, bool expected) {
    return eventually([&] { return monitor.changed() == expected; }, 10s);
}

}  // namespace

TEST_CASE("the interfaces that there are", "[interfaces]") {
    if (const std::string lacking = NetworkNamespace::lacking(); !lacking.empty()) return skip(lacking);
    const NetworkNamespace ns;
    ns.ip(
        "link add v0 type veth peer name v1\n"
        "link set v0 up mtu 4000\n"
        "link add p0 type veth peer name p1\n"
        "link add b0 type bridge\n"
        "link set p0 master b0\n"
        "link add link v1 name m0 type macvlan\n"
        "tuntap add mode tun name t0");
    const Interface lo = named("lo"), v0 = named("v0"), v1 = named("v1"), bridge = named("b0"), port = named("p0");
    CHECK(names() == "lo v1 v0 p1 p0 b0 m0 t0");  // in the order of their indexes: a peer comes first

    CHECK(lo.loopback);
    CHECK_FALSE(lo.up);
    CHECK_FALSE(lo.is_nic());
    CHECK(lo.layer == LinkLayer::ethernet);

    CHECK(v0.kind == "veth");
    CHECK(v0.up);
    CHECK(v0.mtu == 4000);
    CHECK(v0.layer == LinkLayer::ethernet);
    CHECK_FALSE(v0.stacked);
    CHECK_FALSE(v0.is_nic());
    CHECK(v0.master == 0);
    CHECK(v0.xdp_mode == 0);
    CHECK_FALSE(v1.up);
    CHECK(v1.mtu == 1500);

    CHECK(bridge.stacked);
    CHECK(port.master == bridge.index);
    CHECK(bridge_of(port, list_interfaces()) == bridge.index);
    CHECK(bridge_of(v0, list_interfaces()) == 0);
    CHECK(named("m0").stacked);
    CHECK(named("m0").lower == v1.index);
    CHECK(named("t0").kind == "tun");
    CHECK(named("t0").layer == LinkLayer::none);

    CHECK(driver_of(v0) == "veth");
    CHECK(driver_of(interface_of("")).empty());
    CHECK_FALSE(fills_in_checksums(v0));
    CHECK_FALSE(fills_in_checksums(lo));
}

TEST_CASE("interfaces are followed as they come, change and go", "[interfaces]") {
    if (const std::string lacking = NetworkNamespace::lacking(); !lacking.empty()) return skip(lacking);
    const NetworkNamespace ns;
    LinkMonitor monitor;
    CHECK_FALSE(monitor.changed());
    const struct {
        const char* what;
        const char* names;  ///< afterwards
    } steps[] = {
        {"link add b0 type bridge", "lo b0"},
        {"link set b0 up", "lo b0"},
        {"link set b0 mtu 1400", "lo b0"},
        {"link add b1 type bridge", "lo b0 b1"},
        {"link set b0 down\nlink set b0 name c0", "lo c0 b1"},
        {"link del c0", "lo b1"},
        {"link del b1\nlink add b1 type bridge", "lo b1"},
    };
    unsigned index_before = 0;
    for (const auto& step : steps) {
        INFO(step.what);
        index_before = named("b1").index;
        ns.ip(step.what);
        CHECK(says(monitor, true));
        CHECK(names() == step.names);
        CHECK(says(monitor, false));
    }
    CHECK(named("b1").index != index_before);  // another one under the same name
}

TEST_CASE("more changes than the kernel keeps for us are a change", "[interfaces]") {
    if (const std::string lacking = NetworkNamespace::lacking(); !lacking.empty()) return skip(lacking);
    const NetworkNamespace ns;
    ns.ip("link add b0 type bridge");
    LinkMonitor monitor;
    // Each is told in more than a kilobyte; the queue has 208 KiB by default.
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "link set b0 mtu " + std::to_string(1000 + i) + "\n";
    ns.ip(many);
    CHECK(says(monitor, true));
    CHECK(says(monitor, false));
    ns.ip("link del b0");
    CHECK(says(monitor, true));
}

TEST_CASE("hundreds of interfaces are all listed, once", "[interfaces]") {
    if (const std::string lacking = NetworkNamespace::lacking(); !lacking.empty()) return skip(lacking);
    const NetworkNamespace ns;
    std::string commands, expected = "lo";
    for (int i = 0; i < 200; ++i) {
        commands += "link add b" + std::to_string(i) + " type bridge\n";
        expected += " b" + std::to_string(i);
    }
    ns.ip(commands);
    CHECK(names() == expected);
}

TEST_CASE("what lies below in another namespace is not seen from this one", "[interfaces]") {
    if (const std::string lacking = NetworkNamespace::lacking(); !lacking.empty()) return skip(lacking);
    const NetworkNamespace outer;
    outer.ip(
        "link add b0 type bridge\n"
        "link set b0 up\n"
        "link add link b0 name m0 type macvlan");
    const unsigned lower = named("b0").index;
    REQUIRE(lower > 0);
    CHECK(named("m0").lower == lower);
    CHECK(named("m0").stacked);
    const NetworkNamespace inner;
    inner.ip_outside("link set m0 netns " + std::to_string(getpid()));
    // Another one that happens to have the index that the interface below has out there.
    inner.ip("link add e0 index " + std::to_string(lower) + " type bridge\nlink set e0 up\nlink set m0 up");
    const Interface same_index = named("e0"), upper = named("m0");
    REQUIRE(same_index.index == lower);
    REQUIRE(upper.index > 0);
    CHECK(upper.kind == "macvlan");
    CHECK(upper.lower == 0);
    CHECK(is_wanted({"auto"}, upper));
    CHECK_FALSE(is_covered(upper, {same_index, upper}));
}
