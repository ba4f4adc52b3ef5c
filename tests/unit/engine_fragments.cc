// SPDX-License-Identifier: BSD-3-Clause
// Mail in IP fragments: the records are those of the same mail in whole packets, and every packet is accounted for.
#include <algorithm>
#include <random>

#include "catch.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

struct Frame {
    Buffer bytes;
    Timestamp ts;
};

Buffer packet_of(const Sent& s, bool v6) {
    PacketSpec spec;
    const bool orig = s.from == Side::orig;
    spec.v6 = v6;
    spec.src = v6 ? (orig ? "2001:db8::7" : "2001:db8::25") : (orig ? "198.51.100.7" : "203.0.113.25");
    spec.dst = v6 ? (orig ? "2001:db8::25" : "2001:db8::7") : (orig ? "203.0.113.25" : "198.51.100.7");
    spec.sport = orig ? 40000 : 25;
    spec.dport = orig ? 25 : 40000;
    spec.seq = s.seq;
    spec.ack_seq = s.ack_seq;
    spec.flags = s.flags;
    spec.payload = s.payload;
    return ip_packet(spec);
}

/// The packets, each in fragments of random sizes that change places and come twice now and then.
std::vector<Frame> fragmented(const std::vector<Sent>& all, bool v6, std::mt19937& random) {
    std::vector<Frame> out;
    std::uint32_t id = 0;
    for (const Sent& s : all) {
        const Buffer ip = packet_of(s, v6);
        const std::size_t size = ip.size() - (v6 ? 40 : 20);
        std::vector<Frame> pieces;
        for (std::size_t begin = 0; begin < size;) {
            const std::size_t end = std::min(size, begin + (begin == 0 ? 24 : 8 + random() % 6 * 8));
            if (begin == 0 && end == size) {
                pieces.push_back({ip, at(s.at)});
            } else {
                pieces.push_back({fragment(ip, {begin, end, end < size, id, 0}), at(s.at)});
            }
            begin = end;
        }
        ++id;
        std::shuffle(pieces.begin(), pieces.end(), random);
        // Not of the one that comes last: its second would begin a datagram that never ends.
        if (pieces.size() > 1 && random() % 3 == 0)
            pieces.insert(pieces.begin(), Frame(pieces[random() % (pieces.size() - 1)]));
        out.insert(out.end(), pieces.begin(), pieces.end());
    }
    return out;
}

std::vector<std::string> outcome(const Recorder& r) {
    std::vector<std::string> out = r.texts();
    const std::vector<std::string> odd = r.odd();
    out.insert(out.end(), odd.begin(), odd.end());
    for (const FileInfo& f : r.files) out.push_back(f.fuid);
    return out;
}

void check_accounts(const EngineStats& s) {
    CHECK(s.packets == s.segments + s.not_tcp + s.malformed + s.fragments + s.bad_checksums);
    CHECK(s.fragments == s.fragments_reassembled + s.fragments_repeated + s.fragments_expired +
                             s.fragments_overlapping + s.fragments_invalid + s.fragments_evicted + s.fragments_cut +
                             s.fragments_held);
}

void give(Engine& engine, const Frame& f) {
    Packet p = packet(f.bytes, LinkType::raw_ip);
    p.ts = f.ts;
    engine.packet(p);
}

const Script script = hello() + mail("one") + mail("two") + Script{C("QUIT"), S("221 bye")};

}  // namespace

TEST_CASE("records do not depend on fragmentation", "[engine]") {
    const std::vector<Sent> all = segments(script);
    for (const bool v6 : {false, true}) {
        Recorder whole;
        Engine reference({}, whole);
        for (const Sent& s : all) give(reference, {packet_of(s, v6), at(s.at)});
        reference.finish();
        REQUIRE(whole.records.size() == 2);
        for (std::uint32_t seed = 0; seed < 50; ++seed) {
            std::mt19937 random(seed);
            const std::vector<Frame> frames = fragmented(all, v6, random);
            Recorder out;
            Engine engine({}, out);
            for (const Frame& f : frames) give(engine, f);
            engine.finish();
            INFO((v6 ? "IPv6" : "IPv4") << ", seed " << seed);
            CHECK(outcome(out) == outcome(whole));
            const EngineStats s = engine.stats();
            check_accounts(s);
            CHECK(s.packets - s.packets_reassembled == frames.size());
            CHECK(s.segments == all.size());
            CHECK(s.packets_reassembled > 10);
            CHECK(s.fragments == s.fragments_reassembled + s.fragments_repeated);
        }
    }
}

TEST_CASE("a packet put together can go to another shard", "[engine]") {
    std::mt19937 random(1);
    const std::vector<Sent> all = segments(script);
    const std::vector<Frame> frames = fragmented(all, false, random);
    Recorder there;
    Engine owner({}, there);
    Recorder here;
    bool taken = true;
    Hooks hooks;
    hooks.reassembled = [&](const Packet& p) {
        if (taken) owner.packet(p);
        return taken;
    };
    Engine engine({}, here, nullptr, std::move(hooks));
    SECTION("if that takes it") {
        for (const Frame& f : frames) {
            const bool is_fragment = (f.bytes[6] & 0x3f) != 0 || f.bytes[7] != 0;
            give(is_fragment ? engine : owner, f);
        }
        engine.finish();
        owner.finish();
        CHECK(here.records.empty());
        CHECK(there.records.size() == 2);
        check_accounts(engine.stats());
        check_accounts(owner.stats());
        CHECK(engine.stats().packets + owner.stats().packets - engine.stats().packets_reassembled == frames.size());
    }
    SECTION("if not, it is looked at here") {
        taken = false;
        for (const Frame& f : frames) give(engine, f);
        engine.finish();
        CHECK(here.records.size() == 2);
        CHECK(owner.stats().packets == 0);
    }
}

TEST_CASE("fragments that never become a packet are counted by cause", "[engine]") {
    EngineOptions options;
    Recorder out;
    Engine engine(options, out);
    Sent s;
    s.payload = std::string(200, 'x');
    const Buffer ip = packet_of(s, false);
    const auto piece = [&](std::size_t begin, std::size_t end, std::uint32_t id, std::int64_t seconds = 0) {
        give(engine, {fragment(ip, {begin, end, end < ip.size() - 20, id, 0}), at(seconds * 1'000'000)});
    };
    piece(0, 24, 1);
    piece(16, 40, 1);  // overlaps
    piece(0, 24, 2);
    piece(0, 24, 3, 29);
    engine.advance(at(30'000'000));
    EngineStats stats = engine.stats();
    CHECK(stats.fragments_overlapping == 2);
    CHECK(stats.fragments_expired == 1);
    CHECK(stats.fragments_held == 1);
    CHECK(stats.fragment_memory > 24);
    check_accounts(stats);

    options.limits.fragment_memory = 1;
    engine.set_options(options);
    piece(24, 48, 3, 31);
    CHECK(engine.stats().fragments_evicted == 2);
    CHECK(engine.stats().fragment_memory == 0);

    piece(0, 24, 4, 32);
    engine.finish();
    stats = engine.stats();
    CHECK(stats.fragments_held == 0);
    CHECK(stats.segments == 0);
    check_accounts(stats);
}
