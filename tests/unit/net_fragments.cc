// SPDX-License-Identifier: BSD-3-Clause
// Fragments to packets, by the rules of Linux. A row is what comes, in the language of pieces_of(), and what becomes of
// it, in that of outcome().
#include "net/fragments.h"

#include <algorithm>
#include <random>
#include <sstream>
#include <string>

#include "catch.h"
#include "support_frames.h"

using namespace smtpscope;
using namespace smtpscope::net;
using namespace smtpscope::test;

namespace {

PacketSpec spec_of(bool v6) {
    PacketSpec spec;
    spec.v6 = v6;
    for (int i = 0; i < 76; ++i) spec.payload += static_cast<char>('0' + i);
    return spec;
}

struct Arrival {
    Piece piece;
    Duration wait{};
    Checksum checksum = Checksum::validate;
    bool cut = false, later_piece = false, other_host = false;
    std::uint32_t ifindex = 0;
};

/// `0-24+`: octets 0 to 23 with more to come, `24-96`: the last ones. Behind that: `#2` another id, `h` from another
/// host, `~1` its ECN bits, `i` checksum not to be validated, `c` the capture lacks a byte, `p` one piece of a packet
/// that is too large for a ring record, `%3` the interface. Before it: `29s` after so many seconds.
std::vector<Arrival> pieces_of(const std::string& text) {
    std::vector<Arrival> out;
    std::istringstream in(text);
    Duration wait{};
    for (std::string word; in >> word;) {
        std::istringstream w(word);
        std::size_t number = 0;
        char c = 0;
        w >> number >> c;
        if (c == 's') {
            wait = std::chrono::seconds(number);
            continue;
        }
        Arrival a;
        a.wait = std::exchange(wait, Duration{});
        a.piece.begin = number;
        a.piece.more = false;
        w >> a.piece.end;
        while (w >> c) {
            const auto value = [&w] {
                unsigned v = 0;
                w >> v;
                return v;
            };
            if (c == '+') a.piece.more = true;
            if (c == '#') a.piece.id = value();
            if (c == '~') a.piece.ecn = static_cast<std::uint8_t>(value());
            if (c == '%') a.ifindex = value();
            a.other_host |= c == 'h';
            a.cut |= c == 'c';
            a.later_piece |= c == 'p';
            if (c == 'i') a.checksum = Checksum::ignore;
        }
        out.push_back(a);
    }
    return out;
}

/// Gives fragments of a packet to a defragmenter.
class Bench {
  public:
    explicit Bench(const PacketSpec& spec, const Limits& limits = {}, std::size_t headers = 40)
        : spec_(spec), headers_(headers), limits_(limits), fragments_(limits_) {}

    void give(const Arrival& a) {
        now_ += a.wait;
        PacketSpec spec = spec_;
        if (a.other_host) spec.src = spec.v6 ? "2001:db8::9" : "192.0.2.9";
        const Buffer ip = ip_packet(spec);
        Buffer frame = fragment(ip, a.piece, headers_);
        Packet p = packet(frame, LinkType::raw_ip);
        p.ts += now_;
        p.checksum = a.checksum;
        p.ifindex = a.ifindex;
        if (a.cut) p.data = p.data.first(frame.size() - 1);
        Segment s;
        Fragment f;
        REQUIRE(decode(p, s, &f) == Decoded::fragment);
        p.more_pieces = a.later_piece;
        ++given_;
        const auto whole = fragments_.add(p, f);
        std::fill(frame.begin(), frame.end(), std::uint8_t{0});  // nothing may point into it
        if (whole) check(*whole, ip);
    }
    void give(const std::string& text) {
        for (const Arrival& a : pieces_of(text)) give(a);
    }

    /// `whole 1` for each packet, and the counts that are not 0.
    std::string outcome() const {
        const FragmentStats& s = fragments_.stats();
        std::string out;
        const auto add = [&out](const char* name, std::uint64_t n) {
            if (n != 0) out += (out.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(n);
        };
        add("whole", s.packets);
        add("of", s.reassembled);
        add("repeated", s.repeated);
        add("expired", s.expired);
        add("overlapping", s.overlapping);
        add("invalid", s.invalid);
        add("evicted", s.evicted);
        add("cut", s.cut);
        add("held", s.held);
        CHECK(s.reassembled + s.repeated + s.expired + s.overlapping + s.invalid + s.evicted + s.cut + s.held ==
              given_);
        CHECK((s.held == 0) == (s.memory == 0));
        return out;
    }
    Defragmenter& fragments() { return fragments_; }
    Checksum checksum = Checksum::validate;  ///< of the last whole packet
    Decoded decoded = Decoded::fragment;     ///< the same

    FragmentStats stats() const { return fragments_.stats(); }

  private:
    void check(const Packet& whole, const Buffer& ip) {
        checksum = whole.checksum;
        CHECK(whole.wire_length == whole.data.size());
        CHECK(whole.link == LinkType::raw_ip);
        Segment s;
        Fragment f;
        decoded = decode(whole, s, &f);
        const Buffer got(whole.data.begin(), whole.data.end());
        // The sender's packet, except where the fragments differ.
        const bool same_headers = got[1] == ip[1] && (spec_.v6 || got[5] == ip[5]);
        if (same_headers) CHECK(got == ip);
        if (decoded == Decoded::segment) CHECK(s.payload == spec_.payload);
    }

    PacketSpec spec_;
    std::size_t headers_;
    Limits limits_;
    Defragmenter fragments_;
    Duration now_{};
    std::uint64_t given_ = 0;
};

std::string outcome_of(bool v6, const std::string& text) {
    Bench bench(spec_of(v6));
    bench.give(text);
    return bench.outcome();
}

}  // namespace

TEST_CASE("what becomes of fragments, by the rules of Linux", "[net]") {
    struct Row {
        const char* name;
        const char* pieces;
        const char* v4;
        const char* v6;  ///< nullptr: the same
    };
    const Row rows[] = {
        {"in order", "0-24+ 24-48+ 48-96", "whole 1, of 3", nullptr},
        {"backwards", "48-96 24-48+ 0-24+", "whole 1, of 3", nullptr},
        {"smallest pieces", "0-8+ 8-16+ 16-96", "whole 1, of 3", "invalid 1, held 2"},
        {"the first lacks a byte of the TCP header", "0-16+ 16-96", "whole 1, of 2", "invalid 1, held 1"},
        {"the rest is missing", "0-24+ 24-48+", "held 2", nullptr},
        {"the first is missing", "24-48+ 48-96", "held 2", nullptr},
        {"a hole", "0-24+ 48-96", "held 2", nullptr},

        {"the same once more", "0-24+ 0-24+ 24-96", "whole 1, of 2, repeated 1", nullptr},
        {"the last once more", "24-96 24-96 0-24+", "whole 1, of 2, repeated 1", nullptr},
        {"contained in one", "0-48+ 24-32+ 48-96", "whole 1, of 2, repeated 1", nullptr},
        {"contained in a run of two", "0-24+ 24-48+ 0-48+ 48-96", "whole 1, of 3, repeated 1", nullptr},
        {"across two of a run", "0-24+ 24-48+ 8-40+ 48-96", "whole 1, of 3, repeated 1", nullptr},
        {"contained in two that came in another order", "24-48+ 0-24+ 0-48+", "overlapping 3", nullptr},
        {"once more after the end: a new one", "0-24+ 24-96 0-24+", "whole 1, of 2, held 1", nullptr},

        {"overlaps the end of one", "0-32+ 24-96", "overlapping 2", nullptr},
        {"overlaps the beginning of one", "48-96 24-56+", "overlapping 2", nullptr},
        {"covers one", "24-48+ 0-56+", "overlapping 2", nullptr},
        {"covers the last", "48-72+ 24-96", "overlapping 2", nullptr},
        {"overlaps by the eight least octets", "0-24+ 16-24+ 24-48+ 40-96", "repeated 1, overlapping 3", nullptr},
        {"after an overlap begins a new one", "0-32+ 24-96 0-24+ 24-96", "whole 1, of 2, overlapping 2", nullptr},

        {"not of 8-byte units: cut off, or dropped", "0-29+ 24-96", "whole 1, of 2", "invalid 1, held 1"},
        {"the same, less than 8 bytes", "24-29+ 0-24+", "invalid 1, held 1", nullptr},
        {"empty", "0-24+ 24-24+", "invalid 2", nullptr},
        {"empty, the last", "0-24+ 24-24", "invalid 2", nullptr},
        {"two ends, the later longer", "24-48 24-96", "invalid 2", nullptr},
        {"two ends, the later shorter", "48-96 24-72", "invalid 2", nullptr},
        {"beyond the end", "24-48 48-72+", "invalid 2", nullptr},
        {"the end before what is there", "24-96+ 8-48", "invalid 2", nullptr},
        {"the whole, then its end with more to come", "24-96 0-24+ 24-96+", "whole 1, of 2, held 1", nullptr},
        {"the end, then the same octets with more to come", "48-96 48-96+ 0-48+", "whole 1, of 2, repeated 1", nullptr},
        {"after a contradiction begins a new one", "24-48 48-72+ 0-24+ 24-96", "whole 1, of 2, invalid 2", nullptr},
        {"up to 65,535", "65504-65512+ 65512-65535", "held 2", nullptr},
        {"beyond 65,535", "0-24+ 65528-65536", "held 2", "invalid 1, held 1"},

        {"other ids", "0-24+ 24-96#7", "held 2", nullptr},
        {"other hosts", "0-24+ 24-96h", "held 2", nullptr},
        {"two at once", "0-24+ 0-24+#7 24-96#7 24-96", "whole 2, of 4", nullptr},
        {"other interfaces", "0-24+%1 24-96%2", "whole 1, of 2", nullptr},

        {"ECN of two codes", "0-24+~1 24-96~3", "whole 1, of 2", nullptr},
        {"capable of ECN, and not", "0-24+~1 24-96~0", "invalid 2", nullptr},

        {"in time", "0-24+ 29s 24-96", "whole 1, of 2", nullptr},
        {"after 30 seconds", "0-24+ 30s 24-96", "expired 1, held 1", "whole 1, of 2"},
        {"after 59 seconds", "0-24+ 59s 24-96", "expired 1, held 1", "whole 1, of 2"},
        {"after 60 seconds", "0-24+ 60s 24-96", "expired 1, held 1", nullptr},
        {"the time runs from the first on", "0-24+ 20s 24-48+ 20s 48-96", "expired 2, held 1", "whole 1, of 3"},

        {"cut by the capture", "0-24+ 24-96c", "cut 1, held 1", nullptr},
        {"in pieces", "0-24+p 24-96", "cut 1, held 1", nullptr},
    };
    for (const Row& r : rows) {
        INFO(r.name << ": " << r.pieces);
        CHECK(outcome_of(false, r.pieces) == r.v4);
        CHECK(outcome_of(true, r.pieces) == (r.v6 ? r.v6 : r.v4));
    }
}

TEST_CASE("any cut and any order of the fragments give the same packet", "[net]") {
    std::mt19937 random(3);
    for (int round = 0; round < 400; ++round) {
        PacketSpec spec = spec_of(round % 2 == 0);
        spec.payload = std::string(200 + random() % 3000, 'x');
        for (char& c : spec.payload) c = static_cast<char>(random());
        std::vector<Arrival> all;
        const std::size_t end = 20 + spec.payload.size();
        for (std::size_t begin = 0; begin < end;) {
            Arrival a;
            a.piece.begin = begin;
            begin = std::min<std::size_t>(end, begin + 24 + random() % 20 * 8);
            a.piece.end = begin;
            a.piece.more = begin < end;
            all.push_back(a);
        }
        const std::size_t once = all.size();
        for (auto copies = random() % 4; copies > 0; --copies) all.push_back(all[random() % all.size()]);
        std::shuffle(all.begin(), all.end(), random);
        // A copy of the last that comes is not among them: it would begin a new datagram.
        Bench bench(spec);
        for (const Arrival& a : all)
            if (bench.stats().packets == 0) bench.give(a);
        INFO("round " << round << ", " << once << " fragments");
        CHECK(bench.stats().packets == 1);
        CHECK(bench.stats().reassembled == once);
        CHECK(bench.stats().held == 0);
        CHECK(bench.decoded == Decoded::segment);
    }
}

TEST_CASE("checksums of a packet are validated if those of all its fragments are", "[net]") {
    for (const bool v6 : {false, true}) {
        const auto decoded = [v6](const char* pieces, bool broken) {
            PacketSpec spec = spec_of(v6);
            spec.break_tcp_checksum = broken;
            Bench bench(spec);
            bench.give(pieces);
            REQUIRE(bench.stats().packets == 1);
            return bench.decoded;
        };
        CHECK(decoded("0-24+ 24-48+ 48-96", false) == Decoded::segment);
        CHECK(decoded("0-24+ 24-48+ 48-96", true) == Decoded::bad_checksum);
        CHECK(decoded("0-24+i 24-48+ 48-96", true) == Decoded::segment);
        CHECK(decoded("0-24+ 24-48+ 48-96i", true) == Decoded::segment);
        CHECK(decoded("0-24+ 0-24+i 24-96", true) == Decoded::bad_checksum);  // ignored, and so is what it says
    }
}

TEST_CASE("IPv6 extension headers stand before or behind the Fragment header", "[net]") {
    struct Row {
        const char* name;
        std::vector<Extension> extensions;
        std::size_t headers;
        const char* pieces;
        const char* expected;
    };
    const Row rows[] = {
        {"before", {{0, 16}}, 56, "0-24+ 24-96", "whole 1, of 2"},
        {"behind", {{60, 16}}, 40, "0-40+ 40-112", "whole 1, of 2"},
        {"both", {{0, 8}, {60, 16}}, 48, "0-40+ 40-112", "whole 1, of 2"},
        {"behind, with less than TCP's header", {{60, 16}}, 40, "0-32+ 32-112", "invalid 1, held 1"},
        {"behind, cut", {{60, 16}}, 40, "0-8+ 8-112", "invalid 1, held 1"},
        {"cut before TCP", {{60, 16}}, 40, "0-16+ 16-112", "invalid 1, held 1"},
        {"cut between two: Linux takes it", {{60, 8}, {43, 8}}, 40, "0-8+ 8-112", "whole 1, of 2"},
        {"another Fragment header", {{44, 8, 1}}, 40, "0-32+ 32-104", "invalid 2"},
        {"another atomic one", {{60, 8}, {44, 8}}, 40, "0-40+ 40-112", "invalid 2"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        PacketSpec spec = spec_of(true);
        spec.extensions = r.extensions;
        Bench bench(spec, {}, r.headers);
        bench.give(r.pieces);
        CHECK(bench.outcome() == r.expected);
        if (bench.stats().packets != 0) CHECK(bench.decoded == Decoded::segment);
    }
}

TEST_CASE("the largest packets, and those beyond", "[net]") {
    struct Row {
        bool v6;
        std::size_t data;  ///< behind the headers in every fragment
        std::vector<Extension> extensions;
        const char* expected;
    };
    const Row rows[] = {
        {false, 65515, {}, "whole 1, of 3"},  {false, 65516, {}, "invalid 3"},
        {true, 65535, {}, "whole 1, of 3"},   {true, 65527, {{0, 8}}, "whole 1, of 3"},
        {true, 65528, {{0, 8}}, "invalid 3"},
    };
    for (const Row& r : rows) {
        PacketSpec spec = spec_of(r.v6);
        spec.payload.assign(r.data - 20, 'x');
        spec.extensions = r.extensions;
        Bench bench(spec, {}, r.extensions.empty() ? 40 : 48);
        bench.give("0-30000+ 30000-60000+ 60000-" + std::to_string(r.data));
        INFO(r.data << " bytes");
        CHECK(bench.outcome() == r.expected);
    }
}

TEST_CASE("an IPv4 datagram begins anew after 64 other fragments of its sender", "[net]") {
    for (const bool v6 : {false, true}) {
        for (const std::size_t others : {std::size_t{63}, std::size_t{64}}) {
            Bench bench(spec_of(v6));
            bench.give("0-24+ 24-48+#99h");
            for (std::size_t i = 0; i < others; ++i) bench.give("0-24+#" + std::to_string(i));
            bench.give("0-24+#99h");  // another sender's are counted by themselves
            const std::uint64_t held = bench.stats().held;
            bench.give("24-96");
            INFO(others << " others, " << bench.outcome());
            const bool together = v6 || others == 63;
            CHECK(bench.stats().packets == (together ? 1 : 0));
            CHECK(bench.stats().expired == (together ? 0 : 1));
            CHECK(bench.stats().held == (together ? held - 1 : held));
        }
    }
}

TEST_CASE("link-local addresses mean something on their link alone", "[net]") {
    for (const char* dst : {"fe80::2", "febf::1", "ff02::1"}) {
        PacketSpec spec = spec_of(true);
        spec.dst = dst;
        Bench bench(spec);
        bench.give("0-24+%1 24-96%2");
        CHECK(bench.outcome() == "held 2");
        bench.give("24-96%1 0-24+%2");
        CHECK(bench.outcome() == "whole 2, of 4");
    }
}

TEST_CASE("beyond the memory for fragments the oldest datagrams give way", "[net]") {
    Limits limits;
    limits.fragment_memory = 20000;
    for (const bool v6 : {false, true}) {
        Bench bench(spec_of(v6), limits);
        std::uint64_t most = 0;
        for (int i = 0; i < 1000; ++i) {
            bench.give("0-24+#" + std::to_string(i));
            most = std::max(most, bench.stats().memory);
        }
        CHECK(most <= limits.fragment_memory);
        CHECK(bench.stats().held >= 10);
        CHECK(bench.stats().held + bench.stats().evicted == 1000);
        bench.give("24-96#999");
        CHECK(bench.stats().packets == 1);
        bench.give("24-96#1");  // too late
        CHECK(bench.stats().packets == 1);
        bench.fragments().finish();
        CHECK(bench.stats().memory == 0);
    }
    SECTION("of either family") {
        Defragmenter fragments(limits);
        const auto give = [&](bool v6, std::uint32_t id) {
            const Buffer frame = fragment(ip_packet(spec_of(v6)), {0, 24, true, id, 0});
            const Packet p = packet(frame, LinkType::raw_ip);
            Segment s;
            Fragment f;
            REQUIRE(decode(p, s, &f) == Decoded::fragment);
            Packet later = p;
            later.ts += std::chrono::milliseconds(id);
            fragments.add(later, f);
        };
        for (std::uint32_t id = 0; id < 200; ++id) give(id % 2 == 0, id);
        CHECK(fragments.stats().evicted > 100);
        CHECK(fragments.stats().memory <= limits.fragment_memory);
    }
    SECTION("one datagram cannot have more than all") {
        PacketSpec spec = spec_of(false);
        spec.payload.assign(60000, 'x');
        Bench bench(spec, limits);
        bench.give("0-30000+ 30000-60020");
        CHECK(bench.outcome() == "evicted 2");
    }
    SECTION("0: no limit") {
        limits.fragment_memory = 0;
        Bench bench(spec_of(false), limits);
        for (int i = 0; i < 1000; ++i) bench.give("0-24+#" + std::to_string(i));
        CHECK(bench.outcome() == "held 1000");
        bench.fragments().finish();
        CHECK(bench.outcome() == "expired 1000");
    }
}

TEST_CASE("time passes without fragments too, and never goes back", "[net]") {
    Bench bench(spec_of(true));
    bench.give("0-24+");
    const Timestamp begin = packet({}, LinkType::raw_ip).ts;
    bench.fragments().advance(begin + std::chrono::seconds(59));
    bench.fragments().advance(begin);
    CHECK(bench.outcome() == "held 1");
    bench.give("24-48+#7");  // captured with an earlier time; its 60 seconds begin now
    bench.fragments().advance(begin + std::chrono::seconds(60));
    CHECK(bench.outcome() == "expired 1, held 1");
    bench.fragments().advance(begin + std::chrono::seconds(119));
    CHECK(bench.outcome() == "expired 2");
}
