// SPDX-License-Identifier: BSD-3-Clause
// Which interfaces are attached to: lists of interfaces in, decisions out.
#include "capture/choice.h"

#include <set>
#include <string>
#include <vector>

#include "capture/source.h"
#include "catch.h"
#include "support_interfaces.h"

using namespace smtpscope::capture;
using smtpscope::test::interface_of;

namespace {

Interface made(const std::string& kind, LinkLayer layer = LinkLayer::ethernet) {
    return interface_of(kind, layer, 5);
}

/// What is on a host of these tests: `eth0` with the VLAN `vlan4` on it, the bridge `br0` with its port `tap7`, and
/// `lo`. All are up.
struct Host {
    Interface lo = named("lo", 1, ""), eth0 = named("eth0", 2, ""), vlan4 = named("vlan4", 4, "vlan"),
              br0 = named("br0", 6, "bridge"), tap7 = named("tap7", 7, "tun");

    Host() {
        lo.loopback = true;
        vlan4.stacked = br0.stacked = true;
        vlan4.lower = eth0.index;
        tap7.master = br0.index;
    }
    static Interface named(const std::string& name, unsigned index, const std::string& kind) {
        Interface i = interface_of(kind, LinkLayer::ethernet, index);
        i.name = name;
        return i;
    }
};

/// `end 2, go on eth0, begin lo`
std::string in_words(const Choice& choice) {
    std::string text;
    const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
    for (const unsigned index : choice.end) add("end " + std::to_string(index));
    for (const Interface& i : choice.go_on) add("go on " + i.name);
    for (const Interface& i : choice.begin) add("begin " + i.name);
    return text;
}

}  // namespace

TEST_CASE("which interfaces are wanted", "[choice]") {
    Interface down = made("veth"), stacked = made("vlan"), loopback = made("");
    down.up = false;
    stacked.stacked = true;
    loopback.loopback = true;
    loopback.name = "lo";
    const struct {
        const char* name;
        std::vector<std::string> patterns;
        Interface interface;
        bool wanted;
    } rows[] = {
        {"auto: one that is up", {"auto"}, made("veth"), true},
        {"auto: loopback", {"auto"}, loopback, true},
        {"auto: one that is down", {"auto"}, down, false},
        {"auto: on top of another", {"auto"}, stacked, false},
        {"auto: without Ethernet", {"auto"}, made("tun", LinkLayer::none), true},
        {"auto: of an unknown kind", {"auto"}, made("can", LinkLayer::other), false},
        {"by name", {"x0"}, made("veth"), true},
        {"by name: one that is down", {"x0"}, down, true},
        {"by name: on top of another", {"x0"}, stacked, true},
        {"by another name", {"x"}, made("veth"), false},
        {"by a glob", {"y*", "x?"}, made("veth"), true},
        {"by a set", {"x[1-9]"}, made("veth"), false},
        {"by name beside auto", {"auto", "x0"}, stacked, true},
        {"nothing is wanted", {}, made("veth"), false},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(is_wanted(row.patterns, row.interface) == row.wanted);
    }
}

TEST_CASE("what is seen below is not wanted twice", "[choice]") {
    Interface card = made(""), port = made("veth"), vlan = made("vlan"), bridge = made("bridge");
    card.index = 2;
    port.index = 3;
    vlan.index = 4;
    bridge.index = 6;
    vlan.stacked = bridge.stacked = true;
    vlan.lower = card.index;
    port.master = bridge.index;
    CHECK(is_covered(vlan, {card, vlan}));
    CHECK_FALSE(is_covered(vlan, {vlan, port}));
    CHECK(is_covered(bridge, {port, bridge}));
    CHECK_FALSE(is_covered(bridge, {card, bridge}));
    CHECK_FALSE(is_covered(port, {card, port, bridge}));
    // Among what is there, a master that is no bridge is none.
    Interface bond = bridge;
    bond.kind = "bond";
    CHECK(bridge_of(port, {card, bridge}) == bridge.index);
    CHECK(bridge_of(port, {card, bond}) == 0);
    CHECK(bridge_of(port, {card}) == 0);
    CHECK(bridge_of(card, {card, bridge}) == 0);
}

TEST_CASE("what is done about the interfaces that there are", "[choice]") {
    const Host host;
    const auto& [lo, eth0, vlan4, br0, tap7] = host;
    Interface renamed = eth0, down = eth0, moved_vlan = vlan4;
    renamed.name = "lan0";
    down.up = false;
    moved_vlan.lower = 0;
    const struct {
        const char* name;
        Patterns patterns;
        std::vector<Interface> present;
        std::set<unsigned> watched;
        const char* choice;
    } rows[] = {
        {"auto takes what is below, in their order",
         {"auto"},
         {lo, eth0, vlan4, br0, tap7},
         {},
         "begin lo, begin eth0, begin tap7"},
        {"nothing new: all go on", {"auto"}, {lo, eth0}, {1, 2}, "go on lo, go on eth0"},
        {"one is new", {"auto"}, {lo, eth0, tap7}, {1, 2}, "go on lo, go on eth0, begin tap7"},
        {"one is gone", {"auto"}, {lo}, {1, 2}, "end 2, go on lo"},
        {"all are gone", {"auto"}, {}, {1, 2}, "end 1, end 2"},
        {"one that is down is not begun with", {"auto"}, {lo, down}, {}, "begin lo"},
        {"one that goes down stays", {"auto"}, {lo, down}, {1, 2}, "go on lo, go on eth0"},
        {"one with another name stays", {"eth*"}, {lo, renamed}, {2}, "go on lan0"},
        {"by name, also on top of one that is not wanted", {"vlan4"}, {lo, eth0, vlan4}, {}, "begin vlan4"},
        {"by name beside what is below: once", {"vlan4", "eth0"}, {eth0, vlan4}, {}, "begin eth0"},
        {"what is below has come later", {"vlan4", "eth0"}, {eth0, vlan4}, {4}, "end 4, begin eth0"},
        {"what is below has gone", {"vlan4", "eth0"}, {moved_vlan}, {2}, "end 2, begin vlan4"},
        {"a bridge by name, without its ports", {"br0"}, {br0, tap7}, {}, "begin br0"},
        {"a bridge whose port is wanted too", {"br0", "tap*"}, {br0, tap7}, {6}, "end 6, begin tap7"},
        {"nothing is wanted", {"x*"}, {lo, eth0}, {}, ""},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(in_words(choose(row.patterns, row.present, row.watched)) == row.choice);
    }
}

TEST_CASE("what is asked for by name must be there", "[choice]") {
    const Host host;
    const std::vector<Interface> present = {host.lo, host.eth0};
    for (const Patterns& fine : {Patterns{"auto"}, {"eth0"}, {"lo", "eth0"}, {"ens*"}, {"e?"}, {"[abc]"}, {}})
        CHECK_NOTHROW(expect_named(fine, present));
    CHECK_THROWS_WITH(expect_named({"eth0", "eth1"}, present), "no interface eth1; there are lo, eth0");
    CHECK_THROWS_AS(expect_named({"eth"}, present), Error);
}

TEST_CASE("what must work at the start", "[choice]") {
    const Host host;
    const struct {
        const char* name;
        Patterns patterns;
        std::size_t attached;
        std::vector<Interface> failed;
        bool enough;
    } rows[] = {
        {"all works", {"auto"}, 2, {}, true},
        {"there is nothing yet", {"auto"}, 0, {}, true},
        {"auto: something works", {"auto"}, 1, {host.lo}, true},
        {"auto: nothing works", {"auto"}, 0, {host.lo, host.eth0}, false},
        {"a glob: something works", {"e*"}, 1, {host.eth0}, true},
        {"a name that does not work", {"eth0"}, 1, {host.eth0}, false},
        {"a name that works beside a glob that does not", {"lo", "e*"}, 1, {host.eth0}, true},
        {"a name beside auto", {"auto", "eth0"}, 2, {host.eth0}, false},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(is_enough(row.patterns, row.attached, row.failed) == row.enough);
    }
}
