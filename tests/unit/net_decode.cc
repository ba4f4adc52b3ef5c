// SPDX-License-Identifier: BSD-3-Clause
// From frames to segments, and the checksum.
#include <algorithm>
#include <functional>
#include <random>
#include <string>

#include "catch.h"
#include "net/checksum.h"
#include "net/decode.h"
#include "support_frames.h"

using namespace smtpscope;
using namespace smtpscope::net;
using namespace smtpscope::test;

namespace {

const char* name_of(Decoded d) {
    constexpr const char* names[] = {"segment", "not_tcp", "malformed", "fragment", "bad_checksum"};
    return names[static_cast<std::size_t>(d)];
}

Buffer padded(Buffer frame, std::size_t bytes) {
    frame.insert(frame.end(), bytes, 0x5a);
    return frame;
}

PacketSpec v4(std::string payload) {
    PacketSpec spec;
    spec.payload = std::move(payload);
    return spec;
}
PacketSpec v6(std::string payload, std::vector<Extension> extensions = {}) {
    PacketSpec spec = v4(std::move(payload));
    spec.v6 = true;
    spec.extensions = std::move(extensions);
    return spec;
}
PacketSpec with(PacketSpec spec, const std::function<void(PacketSpec&)>& change) {
    change(spec);
    return spec;
}

/// The first byte of `part` lies in `whole`, and so does its end.
bool within(std::string_view part, Bytes whole) {
    if (part.empty()) return true;
    const auto* begin = reinterpret_cast<const std::uint8_t*>(part.data());
    return !std::less<>{}(begin, whole.data()) && !std::less<>{}(whole.data() + whole.size(), begin + part.size());
}

}  // namespace

TEST_CASE("frames of every kind give the segment inside", "[net]") {
    struct Row {
        const char* name;
        LinkType link;
        Buffer frame;
        std::string payload;
    };
    const auto all_options = [](PacketSpec& s) { s.ip_options = s.tcp_options = 40; };
    const Row rows[] = {
        {"ethernet, IPv4", LinkType::ethernet, ethernet(ip_packet(v4("EHLO a"))), "EHLO a"},
        {"ethernet, IPv6", LinkType::ethernet, ethernet(ip_packet(v6("EHLO a"))), "EHLO a"},
        {"VLAN", LinkType::ethernet, ethernet(ip_packet(v4("x")), {0x8100}), "x"},
        {"QinQ", LinkType::ethernet, ethernet(ip_packet(v6("x")), {0x88a8, 0x8100}), "x"},
        {"QinQ, old number", LinkType::ethernet, ethernet(ip_packet(v4("x")), {0x9100, 0x8100}), "x"},
        {"three tags", LinkType::ethernet, ethernet(ip_packet(v4("x")), {0x88a8, 0x88a8, 0x8100}), "x"},
        {"raw IPv4", LinkType::raw_ip, ip_packet(v4("x")), "x"},
        {"raw IPv6", LinkType::raw_ip, ip_packet(v6("x")), "x"},
        {"loopback, IPv4", LinkType::null_loop, null_loop(ip_packet(v4("x"))), "x"},
        {"loopback, IPv6", LinkType::null_loop, null_loop(ip_packet(v6("x"))), "x"},
        {"SLL", LinkType::linux_sll, linux_sll(ip_packet(v4("x"))), "x"},
        {"SLL, VLAN", LinkType::linux_sll, linux_sll(ip_packet(v6("x")), {0x8100}), "x"},
        {"SLL2", LinkType::linux_sll2, linux_sll2(ip_packet(v6("x"))), "x"},
        {"SLL2, VLAN", LinkType::linux_sll2, linux_sll2(ip_packet(v4("x")), {0x8100}), "x"},
        {"no payload", LinkType::ethernet, ethernet(ip_packet(v4(""))), ""},
        {"padding of a short frame", LinkType::ethernet, padded(ethernet(ip_packet(v4(""))), 6), ""},
        {"padding, IPv6", LinkType::ethernet, padded(ethernet(ip_packet(v6("x"))), 6), "x"},
        {"all IPv4 and TCP options", LinkType::raw_ip, ip_packet(with(v4("x"), all_options)), "x"},
        {"hop-by-hop", LinkType::raw_ip, ip_packet(v6("x", {{0, 8}})), "x"},
        {"hop-by-hop, destination, routing", LinkType::raw_ip, ip_packet(v6("x", {{0, 16}, {60, 8}, {43, 24}})), "x"},
        {"authentication header", LinkType::raw_ip, ip_packet(v6("x", {{51, 24}})), "x"},
        {"authentication header, not of 8-byte units", LinkType::raw_ip, ip_packet(v6("x", {{51, 28}})), "x"},
        {"mobility, HIP, shim6", LinkType::raw_ip, ip_packet(v6("x", {{135, 8}, {139, 40}, {140, 8}})), "x"},
        {"longest extension header", LinkType::raw_ip, ip_packet(v6("x", {{60, 2048}})), "x"},
        {"fifteen extension headers", LinkType::raw_ip, ip_packet(v6("x", std::vector<Extension>(15, {60, 8}))), "x"},
        {"atomic fragment", LinkType::raw_ip, ip_packet(v6("x", {{44, 8}})), "x"},
        {"atomic fragment, reserved bits set", LinkType::raw_ip, ip_packet(v6("x", {{0, 8}, {44, 8, 6}})), "x"},
        {"don't fragment", LinkType::raw_ip, ip_packet(with(v4("x"), [](auto& s) { s.fragment = 0x4000; })), "x"},
        {"offloaded, IPv4", LinkType::raw_ip, ip_packet(with(v4("long"), [](auto& s) { s.total_length = 0; })), "long"},
        {"offloaded, IPv6", LinkType::raw_ip, ip_packet(with(v6("long"), [](auto& s) { s.total_length = 0; })), "long"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Segment s;
        const Packet p = packet(r.frame, r.link);
        REQUIRE(std::string(name_of(decode(p, s))) == "segment");
        CHECK(s.payload == r.payload);
        CHECK(s.wire_payload == r.payload.size());
        CHECK(s.sport == 40000);
        CHECK(s.dport == 25);
        CHECK(s.seq == 1000);
        CHECK(s.ack_seq == 2000);
        CHECK(s.flags == (ack | psh));
        CHECK(s.src.to_string() == (s.src.is_v4() ? "192.0.2.1" : "2001:db8::1"));
        CHECK(s.dst.to_string() == (s.src.is_v4() ? "192.0.2.2" : "2001:db8::2"));
        CHECK(s.ts == p.ts);
        CHECK(within(s.payload, p.data));
    }
}

TEST_CASE("frames that hold no segment, by cause", "[net]") {
    struct Row {
        const char* name;
        LinkType link;
        Buffer frame;
        const char* result;
    };
    const auto ipv4 = [](const std::function<void(PacketSpec&)>& f) { return ip_packet(with(v4("x"), f)); };
    const auto ipv6 = [](const std::function<void(PacketSpec&)>& f) { return ip_packet(with(v6("x"), f)); };
    Buffer arp = ethernet(ip_packet(v4("x")));
    arp[13] = 0x06;
    Buffer version5 = ip_packet(v4("x"));
    version5[0] = 0x55;
    Buffer short_option = ip_packet(v6("x", {{0, 16}}));
    short_option[41] = 200;  // longer than the packet
    const Row rows[] = {
        {"nothing", LinkType::ethernet, {}, "malformed"},
        {"nothing, raw", LinkType::raw_ip, {}, "malformed"},
        {"ARP", LinkType::ethernet, arp, "not_tcp"},
        {"IP version 5", LinkType::raw_ip, version5, "not_tcp"},
        {"UDP", LinkType::raw_ip, ipv4([](auto& s) { s.protocol = 17; }), "not_tcp"},
        {"UDP, IPv6", LinkType::raw_ip, ipv6([](auto& s) { s.protocol = 17; }), "not_tcp"},
        {"ESP", LinkType::raw_ip, ipv6([](auto& s) { s.protocol = 50; }), "not_tcp"},
        {"no next header", LinkType::raw_ip, ipv6([](auto& s) { s.protocol = 59; }), "not_tcp"},
        {"first fragment", LinkType::raw_ip, ipv4([](auto& s) { s.fragment = 0x2000; }), "fragment"},
        {"last fragment", LinkType::raw_ip, ipv4([](auto& s) { s.fragment = 0x00b9; }), "fragment"},
        {"fragment of UDP", LinkType::raw_ip, ipv4([](auto& s) { s.fragment = 0x2000, s.protocol = 17; }), "not_tcp"},
        {"fragment without a length", LinkType::raw_ip, ipv4([](auto& s) { s.fragment = 0x2000, s.total_length = 0; }),
         "malformed"},
        {"fragment longer than the frame", LinkType::raw_ip,
         ipv4([](auto& s) { s.fragment = 0x2000, s.total_length = 500; }), "malformed"},
        {"first fragment, IPv6", LinkType::raw_ip, ip_packet(v6("x", {{44, 8, 1}})), "fragment"},
        {"last fragment, IPv6", LinkType::raw_ip, ip_packet(v6("x", {{44, 8, 8}})), "fragment"},
        {"fragment after hop-by-hop", LinkType::raw_ip, ip_packet(v6("x", {{0, 8}, {44, 8, 1}})), "fragment"},
        {"fragment without a length, IPv6", LinkType::raw_ip,
         ip_packet(with(v6("x", {{44, 8, 1}}), [](auto& s) { s.total_length = 0; })), "malformed"},
        {"Fragment header twice", LinkType::raw_ip, ip_packet(v6("x", {{44, 8}, {44, 8}})), "malformed"},
        {"IPv4 header of 16 bytes", LinkType::raw_ip, ipv4([](auto& s) { s.ihl = 4; }), "malformed"},
        {"IPv4 header beyond its packet", LinkType::raw_ip, ipv4([](auto& s) { s.total_length = 19; }), "malformed"},
        {"IPv4 longer than the frame", LinkType::raw_ip, ipv4([](auto& s) { s.total_length = 500; }), "malformed"},
        {"no room for TCP", LinkType::raw_ip, ipv4([](auto& s) { s.total_length = 39; }), "malformed"},
        {"IPv6 longer than the frame", LinkType::raw_ip, ipv6([](auto& s) { s.total_length = 500; }), "malformed"},
        {"extension header beyond the packet", LinkType::raw_ip, short_option, "malformed"},
        {"sixteen extension headers", LinkType::raw_ip, ip_packet(v6("x", std::vector<Extension>(16, {60, 8}))),
         "malformed"},
        {"TCP header of 16 bytes", LinkType::raw_ip, ipv4([](auto& s) { s.data_offset = 4; }), "malformed"},
        {"TCP header beyond the packet", LinkType::raw_ip, ipv4([](auto& s) { s.data_offset = 15; }), "malformed"},
        {"wrong IP checksum", LinkType::raw_ip, ipv4([](auto& s) { s.break_ip_checksum = true; }), "bad_checksum"},
        {"wrong TCP checksum", LinkType::raw_ip, ipv4([](auto& s) { s.break_tcp_checksum = true; }), "bad_checksum"},
        {"wrong TCP checksum, IPv6", LinkType::raw_ip, ipv6([](auto& s) { s.break_tcp_checksum = true; }),
         "bad_checksum"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Segment s;
        CHECK(std::string(name_of(decode(packet(r.frame, r.link), s))) == r.result);
    }
}

TEST_CASE("checksums that say nothing are not looked at", "[net]") {
    const Buffer ip = ip_packet(with(v4("x"), [](auto& s) { s.break_ip_checksum = true; }));
    const Buffer tcp = ip_packet(with(v6("x"), [](auto& s) { s.break_tcp_checksum = true; }));
    for (const Buffer& frame : {ip, tcp}) {
        Packet p = packet(frame, LinkType::raw_ip);
        Segment s;
        CHECK(decode(p, s) == Decoded::bad_checksum);
        p.checksum = Checksum::ignore;
        CHECK(decode(p, s) == Decoded::segment);
    }
    SECTION("of a packet that the capture cut") {
        Packet p = packet(tcp, LinkType::raw_ip);
        p.data = p.data.first(p.data.size() - 1);
        Segment s;
        CHECK(decode(p, s) == Decoded::segment);
        CHECK(s.payload.empty());
        CHECK(s.wire_payload == 1);
    }
}

TEST_CASE("a single wrong bit is noticed wherever it is", "[net]") {
    for (const PacketSpec& spec : {v4("some payload"), v6("some payload.")}) {
        const Buffer good = ip_packet(spec);
        const std::size_t first = spec.v6 ? 8 : 0;  // IPv6 protects its addresses alone, by the pseudo header
        for (std::size_t bit = first * 8; bit < good.size() * 8; ++bit) {
            Buffer bad = good;
            bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1 << bit % 8));
            Segment s;
            INFO("bit " << bit);
            CHECK(decode(packet(bad, LinkType::raw_ip), s) != Decoded::segment);
        }
    }
}

TEST_CASE("a packet that the capture cut tells how long it was", "[net]") {
    for (const PacketSpec& spec : {v4("0123456789"), v6("0123456789", {{0, 8}})}) {
        const Buffer frame = ethernet(ip_packet(spec));
        const std::size_t headers = 14 + headers_size(spec);
        for (std::size_t length = 0; length <= frame.size(); ++length) {
            Buffer cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));  // its end guarded by ASan
            Packet p = packet(cut, LinkType::ethernet);
            p.wire_length = static_cast<std::uint32_t>(frame.size());
            Segment s;
            INFO(length << " bytes of " << frame.size());
            const Decoded d = decode(p, s);
            CHECK((d == Decoded::segment) == (length >= headers));
            CHECK((d == Decoded::malformed) == (length < headers));
            if (d != Decoded::segment) continue;
            CHECK(s.payload == std::string_view("0123456789").substr(0, length - headers));
            CHECK(s.wire_payload == 10);
            CHECK(within(s.payload, p.data));
        }
    }
}

TEST_CASE("a frame cut anywhere never gives a segment with wrong bounds", "[net]") {
    struct Row {
        LinkType link;
        Buffer frame;
    };
    const Row rows[] = {
        {LinkType::ethernet, ethernet(ip_packet(v4("payload")), {0x88a8, 0x8100})},
        {LinkType::ethernet, ethernet(ip_packet(with(v4("payload"), [](auto& s) { s.total_length = 0; })))},
        {LinkType::raw_ip, ip_packet(v6("payload", {{0, 8}, {51, 28}, {60, 16}}))},
        {LinkType::raw_ip, ip_packet(with(v6("payload"), [](auto& s) { s.total_length = 0; }))},
        {LinkType::null_loop, null_loop(ip_packet(with(v4("payload"), [](auto& s) { s.ip_options = 40; })))},
        {LinkType::linux_sll, linux_sll(ip_packet(with(v4("payload"), [](auto& s) { s.tcp_options = 40; })))},
        {LinkType::linux_sll2, linux_sll2(ip_packet(v6("payload")))},
    };
    for (const Row& r : rows) {
        for (std::size_t length = 0; length < r.frame.size(); ++length) {
            const Buffer cut(r.frame.begin(), r.frame.begin() + static_cast<std::ptrdiff_t>(length));
            for (const Checksum checksum : {Checksum::validate, Checksum::ignore}) {
                for (const std::size_t wire : {length, r.frame.size(), std::size_t{0}}) {
                    Packet p = packet(cut, r.link);
                    p.checksum = checksum;
                    p.wire_length = static_cast<std::uint32_t>(wire);
                    Segment s;
                    INFO(length << " bytes, " << wire << " on the wire");
                    if (decode(p, s) != Decoded::segment) continue;
                    CHECK(within(s.payload, p.data));
                    CHECK(s.payload.size() <= s.wire_payload);
                    CHECK(std::string_view("payload").starts_with(s.payload));
                }
            }
        }
    }
}

TEST_CASE("random bytes never give a segment with wrong bounds", "[net]") {
    std::mt19937 random(1);
    const Buffer seeds[] = {ethernet(ip_packet(v4("payload"))), ethernet(ip_packet(v6("payload", {{0, 8}, {60, 8}}))),
                            ip_packet(v4("payload")), ip_packet(v6("payload"))};
    const LinkType links[] = {LinkType::ethernet, LinkType::ethernet, LinkType::raw_ip, LinkType::raw_ip};
    std::size_t segments = 0;
    for (int round = 0; round < 50000; ++round) {
        const std::size_t which = random() % 4;
        Buffer frame = seeds[which];
        for (auto changes = random() % 4 + 1; changes > 0; --changes)
            frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
        frame.resize(random() % 2 == 0 ? frame.size() : random() % (frame.size() + 1));
        frame.shrink_to_fit();
        Packet p = packet(frame, links[which]);
        p.checksum = Checksum::ignore;
        if (random() % 4 == 0) p.wire_length = static_cast<std::uint32_t>(random());
        p.more_pieces = random() % 8 == 0;
        Segment s;
        if (decode(p, s) != Decoded::segment) continue;
        ++segments;
        if (!within(s.payload, p.data) || s.payload.size() > s.wire_payload) FAIL("round " << round);
    }
    CHECK(segments > 1000);  // or it has tested nothing
}

TEST_CASE("pieces of a packet are segments that follow each other", "[net]") {
    for (PacketSpec spec : {v4("aaaabbbbcc"), v6("aaaabbbbcc", {{0, 8}})}) {
        spec.flags = ack | psh | fin;
        spec.break_ip_checksum = spec.break_tcp_checksum = true;
        if (!spec.v6) spec.total_length = 0;
        const Buffer whole = ip_packet(spec);
        const std::size_t headers = headers_size(spec);
        const Bytes all = whole;
        for (std::size_t piece = 0; piece < 3; ++piece) {
            Packet p = packet(whole, LinkType::raw_ip);
            const std::size_t begin = headers + piece * 4;
            if (piece == 0) {
                p.data = all.first(headers + 4);
            } else {
                p.data = all.subspan(begin, piece == 2 ? 2 : 4);
                p.headers = all.first(headers);
                p.offset = static_cast<std::uint32_t>(begin);
            }
            p.more_pieces = piece < 2;
            Segment s;
            INFO("piece " << piece);
            REQUIRE(std::string(name_of(decode(p, s))) == "segment");
            CHECK(s.payload == std::string_view("aaaabbbbcc").substr(piece * 4, 4));
            CHECK(s.wire_payload == s.payload.size());
            CHECK(s.seq == 1000 + piece * 4);
            CHECK(s.has(Segment::fin) == (piece == 2));
            CHECK(s.ack_seq == 2000);
        }
    }
}

TEST_CASE("a checksum is that of the definition", "[net]") {
    std::mt19937 random(2);
    for (std::size_t length = 0; length < 400; ++length) {
        Buffer bytes(length);
        const int kind = static_cast<int>(random() % 3);
        for (auto& b : bytes) b = static_cast<std::uint8_t>(kind == 0 ? random() : kind == 1 ? 0xff : 0);
        const std::uint16_t host = fold(partial_sum(bytes));
        const auto network = static_cast<std::uint16_t>(host >> 8 | host << 8);
        INFO("length " << length);
        CHECK(network == naive_sum(bytes));
        const std::size_t cut = length == 0 ? 0 : random() % length / 2 * 2;
        CHECK(fold(partial_sum(Bytes(bytes).first(cut)) + partial_sum(Bytes(bytes).subspan(cut))) == host);
    }
}
