// SPDX-License-Identifier: BSD-3-Clause
// Addresses, networks and sets of them; whose hosts are ours.
#include <algorithm>
#include <string>

#include "catch.h"
#include "smtpscope/address.h"
#include "smtpscope/site.h"

using namespace smtpscope;
using namespace std::string_literals;

TEST_CASE("addresses are read and printed", "[net]") {
    struct Row {
        std::string in, out;  // out empty: not an address
        bool v4;
    };
    const Row rows[] = {
        {"0.0.0.0", "0.0.0.0", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"255.255.255.255", "255.255.255.255", true},
        {"::", "::", false},
        {"::1", "::1", false},
        {"2001:DB8::1", "2001:db8::1", false},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", false},
        {"fe80::1", "fe80::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::ffff:c000:201", "192.0.2.1", true},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221", false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
        {"", "", false},
        {"192.0.2", "", false},
        {"192.0.2.256", "", false},
        {"192.0.2.01", "", false},
        {"192.0.2.1 ", "", false},
        {" 192.0.2.1", "", false},
        {"192.0.2.1/32", "", false},
        {"192.0.2.1\0"s, "", false},
        {"192.0.2.1\0.5"s, "", false},
        {"1:2:3:4:5:6:7:8:9", "", false},
        {"1::2::3", "", false},
        {"12345::", "", false},
        {"[::1]", "", false},
        {"fe80::1%eth0", "", false},
        {"mail.example.org", "", false},
        {std::string(100, '1'), "", false},
    };
    for (const Row& r : rows) {
        INFO("in: " << r.in);
        const auto a = Address::parse(r.in);
        CHECK(a.has_value() == !r.out.empty());
        if (!a) continue;
        CHECK(a->to_string() == r.out);
        CHECK(a->is_v4() == r.v4);
        CHECK(Address::parse(a->to_string()) == a);
    }
}

TEST_CASE("an address has the same bytes however it came", "[net]") {
    const std::uint8_t v4[4] = {192, 0, 2, 1};
    const std::uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    CHECK(Address::from_v4(v4) == Address::from_v6(mapped));
    CHECK(Address::from_v4(v4) == Address::parse("192.0.2.1"));
    CHECK(std::equal(std::begin(mapped), std::end(mapped), Address::from_v4(v4).bytes().begin()));
    CHECK(std::hash<Address>{}(Address::from_v4(v4)) == std::hash<Address>{}(Address::from_v6(mapped)));
    CHECK(Address{} == Address::parse("::"));
    CHECK(*Address::parse("192.0.2.1") < *Address::parse("192.0.2.2"));
    CHECK(*Address::parse("192.0.2.255") < *Address::parse("2001:db8::"));
    CHECK(*Address::parse("1::ff00") < *Address::parse("100::ff"));
    CHECK(*Address::parse("::ff00") > *Address::parse("::ff"));
}

TEST_CASE("networks are read and printed", "[net]") {
    struct Row {
        std::string in, out;  // out empty: not a network
    };
    const Row rows[] = {
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.77/24", "192.0.2.0/24"},
        {"192.0.2.255/31", "192.0.2.254/31"},
        {"192.0.2.1", "192.0.2.1/32"},
        {"192.0.2.1/32", "192.0.2.1/32"},
        {"192.0.2.1/0", "0.0.0.0/0"},
        {"2001:db8::1", "2001:db8::1/128"},
        {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
        {"2001:db8::/128", "2001:db8::/128"},
        {"::/0", "::/0"},
        {"::ffff:192.0.2.0/24", "192.0.2.0/24"},
        {"", ""},
        {"/24", ""},
        {"192.0.2.0/", ""},
        {"192.0.2.0/33", ""},
        {"192.0.2.0/-1", ""},
        {"192.0.2.0/ 8", ""},
        {"192.0.2.0/8x", ""},
        {"192.0.2.0/24/8", ""},
        {"192.0.2.0/99999999999", ""},
        {"2001:db8::/129", ""},
        {"192.0.2/24", ""},
        {"net", ""},
    };
    for (const Row& r : rows) {
        INFO("in: " << r.in);
        const auto net = Subnet::parse(r.in);
        CHECK(net.has_value() == !r.out.empty());
        if (!net) continue;
        CHECK(net->to_string() == r.out);
        CHECK(Subnet::parse(net->to_string()) == net);
    }
}

TEST_CASE("a network contains the addresses between its edges", "[net]") {
    struct Row {
        std::string net, address;
        bool contains;
    };
    const Row rows[] = {
        {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.0/24", "192.0.2.0", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.8/29", "192.0.2.7", false},
        {"192.0.2.8/29", "192.0.2.8", true},
        {"192.0.2.8/29", "192.0.2.15", true},
        {"192.0.2.8/29", "192.0.2.16", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", true},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"192.0.2.1/32", "192.0.2.0", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
    };
    for (const Row& r : rows) {
        INFO(r.address << " in " << r.net);
        CHECK(Subnet::parse(r.net)->contains(*Address::parse(r.address)) == r.contains);
        CHECK(SubnetSet({*Subnet::parse(r.net)}).contains(*Address::parse(r.address)) == r.contains);
    }
}

TEST_CASE("a set of networks", "[net]") {
    const SubnetSet none;
    CHECK_FALSE(none.contains(*Address::parse("192.0.2.1")));
    CHECK_FALSE(none.contains(Address{}));

    std::vector<Subnet> nets;
    for (const char* text : {"198.51.100.0/24", "10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8", "10.1.2.3/8", "192.0.2.1"})
        nets.push_back(*Subnet::parse(text));
    const SubnetSet set(nets);
    CHECK(set.subnets().size() == 4);  // three were the same
    CHECK(set.contains(*Address::parse("10.255.255.255")));
    CHECK(set.contains(*Address::parse("192.0.2.1")));
    CHECK(set.contains(*Address::parse("2001:db8:ffff::")));
    CHECK_FALSE(set.contains(*Address::parse("192.0.2.2")));
    CHECK_FALSE(set.contains(*Address::parse("11.0.0.0")));
}

TEST_CASE("the private address space ends where the registries say", "[net]") {
    struct Row {
        const char* inside_first;
        const char* inside_last;
        const char* below;  // nullptr: none, or private as well
        const char* above;
    };
    const Row rows[] = {
        {"0.0.0.0", "0.255.255.255", nullptr, "1.0.0.0"},
        {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"},
        {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
        {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"},
        {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
        {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
        {"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},
        {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
        {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},
        {"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"},
        {"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},
        {"224.0.0.0", "224.0.0.255", "223.255.255.255", "224.0.1.0"},
        {"239.0.0.0", "239.255.255.255", "238.255.255.255", nullptr},
        {"240.0.0.0", "255.255.255.255", nullptr, nullptr},
        {"::", "::1", nullptr, "::2"},
        {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:0:ffff::", "64:ff9b:2::"},
        {"100::", "100::ffff:ffff:ffff:ffff", "ff:ffff::", "100:0:0:1::"},
        {"2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"},
        {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db9::"},
        {"2002:a00::", "2002:aff:ffff::", "2002:9ff:ffff::", "2002:b00::"},
        {"2002:ac10::", "2002:ac1f:ffff::", "2002:ac0f:ffff::", "2002:ac20::"},
        {"2002:c0a8::", "2002:c0a8:ffff::", "2002:c0a7:ffff::", "2002:c0a9::"},
        {"fc00::", "fdff:ffff::", "fbff:ffff::", "fe00::"},
        {"fe80::", "feff:ffff::", "fe7f:ffff::", "ff00::"},
    };
    const SubnetSet& space = private_address_space();
    for (const Row& r : rows) {
        INFO(r.inside_first << " to " << r.inside_last);
        CHECK(space.contains(*Address::parse(r.inside_first)));
        CHECK(space.contains(*Address::parse(r.inside_last)));
        if (r.below) CHECK_FALSE(space.contains(*Address::parse(r.below)));
        if (r.above) CHECK_FALSE(space.contains(*Address::parse(r.above)));
    }
}

TEST_CASE("which hosts are ours", "[net]") {
    const SubnetSet local({*Subnet::parse("10.0.0.0/8")});
    const Address ours = *Address::parse("10.1.1.1"), theirs = *Address::parse("203.0.113.1");
    struct HostRow {
        Host host;
        const char* name;
        bool ours, theirs;
    };
    for (const HostRow& r : {HostRow{Host::local, "LOCAL_HOSTS", true, false},
                             {Host::remote, "REMOTE_HOSTS", false, true},
                             {Host::all, "ALL_HOSTS", true, true},
                             {Host::none, "NO_HOSTS", false, false}}) {
        INFO(r.name);
        CHECK(addr_matches_host(ours, r.host, local) == r.ours);
        CHECK(addr_matches_host(theirs, r.host, local) == r.theirs);
    }
}
