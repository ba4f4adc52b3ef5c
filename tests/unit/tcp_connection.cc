// SPDX-License-Identifier: BSD-3-Clause
// Both streams of a connection: in order, in the order in which the ends can have acted, and never held forever.
#include <string>

#include "catch.h"
#include "support_talk.h"
#include "tcp/connection.h"

using namespace smtpscope;
using namespace smtpscope::tcp;
using namespace smtpscope::test;

namespace {

constexpr std::uint32_t orig_first = 1001, resp_first = 5001;  // sequence numbers of the first bytes
constexpr std::int64_t ms = 1000;
constexpr std::int64_t long_enough = 600 * ms;  // longer than the default gap_timeout

/// A segment of the originator: bytes from `seq` on, having received `ack_seq` of the other stream.
Sent o(std::uint32_t seq, std::string payload, std::uint32_t ack_seq = 0, std::uint8_t flags = ack) {
    return {Side::orig, orig_first + seq, resp_first + ack_seq, flags, std::move(payload), 0, 0};
}
Sent r(std::uint32_t seq, std::string payload, std::uint32_t ack_seq = 0, std::uint8_t flags = ack) {
    return {Side::resp, resp_first + seq, orig_first + ack_seq, flags, std::move(payload), 0, 0};
}
Sent cut(Sent s, std::uint32_t bytes) {
    s.cut = bytes;
    return s;
}
const Sent syn_o{Side::orig, orig_first - 1, 0, syn, {}, 0, 0};
const Sent syn_r{Side::resp, resp_first - 1, orig_first, syn | ack, {}, 0, 0};

/// Lets time pass before the segment.
Sent later(std::int64_t microseconds, Sent s) {
    s.at = microseconds;
    return s;
}
/// Nothing arrives for so long.
Sent pause(std::int64_t microseconds) {
    return {Side::orig, 0, 0, 0, {}, microseconds, 0};
}

/// The streams as text: `o[bytes]`, `r[bytes]`, a gap as `<length>`, an end as `|`.
class Transcript final : public StreamSink {
  public:
    Disposition data(Side side, std::string_view bytes, Timestamp) override { return add(side, std::string(bytes)); }
    Disposition gap(Side side, std::uint64_t length, Timestamp) override {
        return add(side, "<" + std::to_string(length) + ">");
    }
    Disposition end(Side side, Timestamp) override { return add(side, "|"); }
    std::string text() const { return text_ + (text_.empty() ? "" : "]"); }

  private:
    Disposition add(Side side, const std::string& what) {
        const char letter = side == Side::orig ? 'o' : 'r';
        if (letter != last_) text_ += (text_.empty() ? "" : "] ") + std::string(1, letter) + "[";
        last_ = letter;
        text_ += what;
        return Disposition::follow;
    }
    std::string text_;
    char last_ = 0;
};

struct Play {
    explicit Play(const Limits& l) : limits(l) {}

    void segment(Sent s) {
        now += std::max<std::int64_t>(1, s.at);
        // As the table does it: what is due first.
        while (conn.blocked_since() && *conn.blocked_since() + limits.gap_timeout <= at(now)) {
            const auto before = *conn.blocked_since();
            conn.give_up_waiting(at(now), out);
            if (conn.blocked_since() == before) break;
        }
        if (s.flags == 0) return;
        s.at = now;
        conn.segment(s.from, test::segment(s), out);
    }

    Limits limits;
    Accounts accounts;
    Connection conn{limits, accounts};
    Transcript out;
    std::int64_t now = 0;
};

struct Row {
    const char* name;
    std::vector<Sent> sent;
    std::string text;         ///< delivered so far
    std::string closed = {};  ///< after close(); empty: the same
};

void check(const Row& row, const Limits& limits = {}) {
    INFO(row.name);
    Play play(limits);
    for (const Sent& s : row.sent) play.segment(s);
    CHECK(play.out.text() == row.text);
    play.conn.close(at(play.now), play.out);
    CHECK(play.out.text() == (row.closed.empty() ? row.text : row.closed));
    CHECK(play.conn.closed());
    CHECK(play.accounts.memory == 0);
    CHECK_FALSE(play.conn.blocked_since());
}

std::vector<Sent> after_handshake(std::vector<Sent> sent) {
    sent.insert(sent.begin(), {syn_o, syn_r, o(0, "")});
    return sent;
}

}  // namespace

TEST_CASE("TCP: streams in order", "[tcp]") {
    const Row rows[] = {
        {"turns", after_handshake({r(0, "220", 0), o(0, "EHLO", 3), r(3, "250", 4)}), "r[220] o[EHLO] r[250]"},
        {"out of order", after_handshake({o(3, "def"), o(6, "g"), o(0, "abc")}), "o[abcdefg]"},
        {"the other way round", after_handshake({o(4, "e"), o(3, "d"), o(2, "c"), o(1, "b"), o(0, "a")}), "o[abcde]"},
        {"retransmission", after_handshake({o(0, "abc"), o(0, "abc"), o(3, "d")}), "o[abcd]"},
        {"retransmission with new bytes", after_handshake({o(0, "abc"), o(0, "abcde")}), "o[abcde]"},
        {"retransmission of the middle", after_handshake({o(0, "abcde"), o(1, "XYZ"), o(5, "f")}), "o[abcdef]"},
        {"waiting, the first copy stands", after_handshake({o(2, "cd"), o(2, "XY"), o(0, "ab")}), "o[abcd]"},
        {"waiting, overlapped from before", after_handshake({o(2, "cd"), o(1, "XYZ"), o(0, "a")}), "o[aXcd]"},
        {"waiting, overlapped from behind", after_handshake({o(2, "cd"), o(3, "XYZ"), o(0, "ab")}), "o[abcdYZ]"},
        {"waiting, covered", after_handshake({o(1, "bcd"), o(2, "X"), o(0, "a")}), "o[abcd]"},
        {"waiting, covering two", after_handshake({o(2, "c"), o(4, "e"), o(1, "UVWXYZ"), o(0, "a")}), "o[aUcWeYZ]"},
        {"waiting, overtaken", after_handshake({o(3, "XY"), o(0, "abcdef")}), "o[abcdef]"},
        {"waiting, overtaken in part", after_handshake({o(2, "XYZ"), o(0, "abc")}), "o[abcYZ]"},
        {"an empty segment", after_handshake({o(0, ""), o(0, "a"), o(1, ""), o(1, "b")}), "o[ab]"},
        {"payload on the SYN", {{Side::orig, 1000, 0, syn, "abc", 0, 0}, syn_r, o(3, "d")}, "o[abcd]"},
        {"SYN once more", {syn_o, syn_o, syn_r, syn_r, o(0, "a"), syn_r, r(0, "b", 1)}, "o[a] r[b]"},
        {"SYN once more with the payload",
         {syn_o, syn_r, o(0, "abc"), {Side::orig, 1000, 0, syn, "X", 0, 0}, o(3, "d")},
         "o[abcd]"},
        {"a stale packet far away", after_handshake({o(0, "ab"), o(0x80000010, "X"), o(2, "c")}), "o[abc]"},
        {"RST closes", after_handshake({o(0, "a"), r(0, "", 1, rst), o(1, "b")}), "o[a]"},
        {"RST far from the stream is forged", after_handshake({o(0, "a"), o(3 << 20, "", 0, rst), o(1, "b")}), "o[ab]"},
        {"FIN of one end", after_handshake({o(0, "ab", 0, fin | ack), r(0, "c", 3)}), "o[ab|] r[c]"},
        {"FIN of both", after_handshake({o(0, "a", 0, fin | ack), r(0, "b", 2, fin | ack), r(1, "X", 2)}),
         "o[a|] r[b|]"},
        {"FIN before the last bytes", after_handshake({o(3, "", 0, fin | ack), o(0, "abc")}), "o[abc|]"},
        {"FIN once more", after_handshake({o(0, "a", 0, fin | ack), o(0, "a", 0, fin | ack), o(1, "", 0, fin | ack)}),
         "o[a|]"},
        {"bytes beyond a FIN", after_handshake({o(0, "a", 0, fin | ack), o(1, "b"), r(0, "c", 2)}), "o[a|] r[c]"},
    };
    for (const Row& row : rows) check(row);
}

TEST_CASE("TCP: sequence numbers wrap", "[tcp]") {
    for (std::uint32_t before = 0; before < 8; ++before) {
        INFO(before << " bytes before the wrap");
        Play play({});
        const std::uint32_t first = 0U - before;
        play.segment({Side::orig, first - 1, 0, syn, {}, 0, 0});
        play.segment({Side::resp, first + 77, first, syn | ack, {}, 0, 0});
        for (const std::uint32_t i : {4U, 0U, 6U, 2U})
            play.segment({Side::orig, first + i, first + 78, ack, std::string("abcdefgh").substr(i, 2), 0, 0});
        play.segment({Side::resp, first + 78, first + 8, ack, "reply", 0, 0});
        CHECK(play.out.text() == "o[abcdefgh] r[reply]");
    }
}

TEST_CASE("TCP: no byte before one that its sender had received", "[tcp]") {
    const Row rows[] = {
        {"a reply before its command", after_handshake({r(0, "250", 4), o(0, "EHLO")}), "o[EHLO] r[250]"},
        {"a command before the reply that it waited for", after_handshake({o(0, "EHLO", 3), r(0, "220")}),
         "r[220] o[EHLO]"},
        {"all turns the other way round",
         after_handshake({o(4, "QUIT", 6), r(3, "250", 4), o(0, "EHLO", 3), r(0, "220")}),
         "r[220] o[EHLO] r[250] o[QUIT]"},
        {"a reply and half of its command", after_handshake({o(0, "EH"), r(0, "250", 4), o(2, "LO")}),
         "o[EHLO] r[250]"},
        {"an acknowledged FIN is no byte", after_handshake({r(0, "221", 5), o(0, "QUIT", 0, fin | ack)}),
         "o[QUIT] r[221] o[|]"},
        {"an end before what its sender had received",
         after_handshake({o(0, "QUIT", 0), o(4, "", 3, fin | ack), r(0, "221", 4)}), "o[QUIT] r[221] o[|]"},
        {"one end that is not captured", {syn_o, o(0, ""), o(0, "a", 0), o(1, "b", 100), o(2, "c", 200)}, "o[abc]"},
        {"bytes that both sent at once", after_handshake({o(0, "a", 0), r(0, "b", 0)}), "o[a] r[b]"},
        {"a wait for the other end is over after gap_timeout", after_handshake({r(0, "250", 4), pause(long_enough)}),
         "o[<4>] r[250]"},
    };
    for (const Row& row : rows) check(row);
}

TEST_CASE("TCP: bytes that were lost", "[tcp]") {
    const Row rows[] = {
        {"acknowledged: given up after gap_timeout",
         after_handshake({o(0, "ab"), o(5, "fg"), r(0, "r", 7), pause(long_enough)}), "o[ab<3>fg] r[r]"},
        {"acknowledged: not before", after_handshake({o(0, "ab"), o(5, "fg"), r(0, "r", 7), pause(400 * ms)}), "o[ab]",
         "o[ab<3>fg] r[r]"},
        {"acknowledged, and then filled",
         after_handshake({o(0, "ab"), o(5, "fg"), r(0, "r", 7), later(400 * ms, o(2, "cde")), pause(long_enough)}),
         "o[abcdefg] r[r]"},
        {"acknowledged by a segment without payload",
         after_handshake({o(0, "ab"), o(5, "fg"), r(0, "", 7), pause(long_enough)}), "o[ab<3>fg]"},
        {"not acknowledged: waited for",
         after_handshake({o(0, "ab"), o(5, "fg"), r(0, "r", 2), pause(100 * long_enough)}), "o[ab] r[r]",
         "o[ab] r[r] o[<3>fg]"},
        {"two holes, one after the other",
         after_handshake({o(2, "c"), o(4, "e"), r(0, "", 5), pause(long_enough), pause(long_enough)}), "o[<2>c<1>e]"},
        {"at the end of what was acknowledged", after_handshake({o(0, "ab"), r(0, "r", 6), pause(long_enough)}),
         "o[ab<4>] r[r]"},
        {"of both ends",
         after_handshake({o(2, "c", 2), r(2, "r", 3), pause(long_enough), pause(long_enough), pause(long_enough)}),
         "r[<2>] o[<2>c] r[r]"},
        {"before a FIN", after_handshake({o(0, "ab"), o(5, "", 0, fin | ack), r(0, "r", 6), pause(long_enough)}),
         "o[ab<3>] r[r] o[|]"},
        {"cut by the capture", after_handshake({cut(o(0, "abcdef"), 2), o(6, "gh"), r(0, "r", 8), pause(long_enough)}),
         "o[abcd<2>gh] r[r]"},
        {"cut by the capture, not acknowledged",
         after_handshake({cut(o(0, "abcdef"), 2), o(6, "gh"), pause(long_enough)}), "o[abcd<2>gh]"},
        {"cut by the capture altogether", after_handshake({cut(o(0, "abcdef"), 6), o(6, "gh"), pause(long_enough)}),
         "o[<6>gh]"},
        {"cut by the capture, captured whole later",
         after_handshake({cut(o(0, "abcdef"), 2), o(0, "abcdef"), o(6, "gh")}), "o[abcdefgh]"},
    };
    for (const Row& row : rows) check(row);
}

TEST_CASE("TCP: connections whose beginning was not captured", "[tcp]") {
    const Row rows[] = {
        {"the responder's SYN is lost", {syn_o, o(0, ""), r(0, "220"), o(0, "EHLO", 3)}, "r[220] o[EHLO]"},
        {"and the handshake's end",
         {syn_o, r(0, "220"), o(0, "EHLO", 3), r(3, "250", 4), pause(long_enough)},
         "r[<0>220] o[EHLO] r[250]"},
        {"and the first bytes", {syn_o, o(0, "EHLO", 3), r(3, "250", 4), pause(long_enough)}, "r[<0>] o[EHLO] r[250]"},
        {"the originator's SYN is lost", {syn_r, r(0, "220"), o(0, "EHLO", 3)}, "r[220] o[EHLO]"},
        {"one end alone, with its SYN",
         {syn_o, o(0, "EHLO", 3), o(4, "QUIT", 6), pause(long_enough)},
         "r[<0>] o[EHLOQUIT]"},
        {"a SYN alone", {syn_o}, ""},
        {"in mid-stream",
         {o(100, "MAIL", 50), r(50, "250", 104), o(104, "RCPT", 53), pause(long_enough)},
         "o[<0>] r[<0>] o[MAIL] r[250] o[RCPT]"},
        {"in mid-stream, out of order",
         {o(104, "RCPT", 53), r(50, "250", 104), o(100, "MAIL", 50), pause(long_enough)},
         "o[<0>] r[<0>] o[MAIL] r[250] o[RCPT]"},
        {"in mid-stream, not before gap_timeout",
         {o(100, "MAIL", 50), pause(400 * ms), r(50, "250", 104)},
         "",
         "o[<0>] r[<0>] o[MAIL] r[250]"},
        {"one end alone",
         {o(100, "MAIL", 50), o(104, "RCPT", 53), o(108, "DATA", 56), pause(long_enough)},
         "o[<0>] r[<0>] o[MAILRCPTDATA]"},
        {"RST at once", {o(100, "MAIL", 50), o(104, "", 50, rst)}, "o[<0>] r[<0>] o[MAIL]"},
        {"a RST alone", {o(104, "", 50, rst)}, "o[<0>] r[<0>]"},
    };
    for (const Row& row : rows) check(row);

    SECTION("many segments are as good as the time") {
        Play play({});
        for (std::uint32_t i = 0; i < 31; ++i) play.segment(o(100 + i, "a", 50));
        CHECK(play.out.text().empty());
        CHECK(play.accounts.memory > 0);
        play.segment(o(131, "a", 50));
        CHECK(play.out.text() == "o[<0>] r[<0>] o[" + std::string(32, 'a') + "]");
        CHECK(play.accounts.memory == 0);
    }
}

TEST_CASE("TCP: limits of memory", "[tcp]") {
    Limits limits;
    SECTION("of one direction") {
        limits.flow_memory = 4000;
        Play play(limits);
        for (const Sent& s : after_handshake({})) play.segment(s);
        for (std::uint32_t i = 1; i < 100; ++i) {
            play.segment(o(i * 100, std::string(100, 'x')));
            CHECK(play.accounts.memory <= limits.flow_memory + 300);
        }
        CHECK(play.out.text() == "o[<100>" + std::string(9900, 'x') + "]");
        CHECK(play.accounts.gaps == 1);
        CHECK(play.accounts.gap_bytes == 100);
        CHECK(play.accounts.overload_bytes == 100);
    }
    SECTION("many small holes") {
        limits.flow_memory = 4000;
        Play play(limits);
        for (const Sent& s : after_handshake({})) play.segment(s);
        for (std::uint32_t i = 1; i < 1000; ++i) {
            play.segment(o(i * 2, "x"));
            CHECK(play.accounts.memory <= limits.flow_memory + 300);
        }
        CHECK(play.accounts.overload_bytes > 900);
        play.conn.close(at(play.now), play.out);
        CHECK(play.accounts.memory == 0);
        CHECK(play.accounts.gap_bytes == 1000);
    }
    SECTION("of what waits for the other end") {
        limits.flow_memory = 4000;
        Play play(limits);
        for (const Sent& s : after_handshake({})) play.segment(s);
        for (std::uint32_t i = 0; i < 100; ++i) {
            play.segment(r(i * 100, std::string(100, 'x'), 4));
            CHECK(play.accounts.memory <= limits.flow_memory + 300);
        }
        CHECK(play.out.text() == "o[<4>] r[" + std::string(10000, 'x') + "]");
    }
    SECTION("of all connections together") {
        limits.memory = 4000;
        Play play(limits);
        play.accounts.memory = 3900;  // another one's
        for (const Sent& s : after_handshake({o(5, "x")})) play.segment(s);
        CHECK(play.out.text() == "o[<5>x]");
        CHECK(play.accounts.memory == 3900);
        CHECK(play.accounts.overload_bytes == 5);
    }
    SECTION("none") {
        limits.memory = limits.flow_memory = 0;
        Play play(limits);
        for (const Sent& s : after_handshake({})) play.segment(s);
        for (std::uint32_t i = 100; i > 0; --i) play.segment(o(i * 1000, std::string(1000, 'x')));
        CHECK(play.out.text().empty());
        CHECK(play.accounts.memory >= 100000);
        play.segment(o(0, std::string(1000, 'x')));
        CHECK(play.out.text() == "o[" + std::string(101000, 'x') + "]");
        CHECK(play.accounts.memory == 0);
    }
    SECTION("given back with the connection") {
        Accounts accounts;
        {
            Connection conn(limits, accounts);
            Transcript out;
            for (const Sent& s : after_handshake({o(5, "x"), r(5, "x")})) conn.segment(s.from, segment(s), out);
            CHECK(accounts.memory > 0);
        }
        CHECK(accounts.memory == 0);
    }
}

namespace {

/// Wants no more from a `!` on, or from a gap or an end.
struct Stopper final : StreamSink {
    Disposition data(Side, std::string_view bytes, Timestamp) override {
        return note(bytes, bytes.find('!') != bytes.npos);
    }
    Disposition gap(Side, std::uint64_t length, Timestamp) override {
        return note("<" + std::to_string(length) + ">", at_gap);
    }
    Disposition end(Side, Timestamp) override { return note("|", at_end); }
    Disposition note(std::string_view what, bool stop) {
        text += what;
        return stop ? Disposition::tls : Disposition::follow;
    }
    void play(const std::vector<Sent>& sent) {
        for (Sent s : sent) {
            s.at = ++now;
            conn.segment(s.from, segment(s), *this);
        }
    }

    Limits limits;
    Accounts accounts;
    Connection conn{limits, accounts};
    bool at_gap = false, at_end = false;
    std::string text;
    std::int64_t now = 0;
};

}  // namespace

TEST_CASE("TCP: nothing is delivered to a sink that wants no more", "[tcp]") {
    struct StopRow {
        const char* name;
        std::vector<Sent> sent;
        std::string text;
        bool at_gap = false, at_end = false;
    };
    const StopRow rows[] = {
        {"at the bytes that have just come", {o(0, "a!"), o(2, "b"), r(0, "c", 3)}, "a!"},
        {"while others wait", {o(4, "d"), r(0, "r", 5), o(1, "!"), o(2, "bc"), o(0, "a")}, "a!"},
        {"at a gap", {o(1, "a"), r(0, "r", 2)}, "<1>", true, false},
        {"at an end", {o(0, "", 0, fin | ack), r(0, "r", 1)}, "|", false, true},
    };
    for (const StopRow& row : rows) {
        for (const char* end : {"FIN", "RST", "close"}) {
            INFO(row.name << ", then " << end);
            Stopper s;
            s.at_gap = row.at_gap;
            s.at_end = row.at_end;
            s.play(after_handshake(row.sent));
            if (s.conn.blocked_since()) s.conn.give_up_waiting(at(s.now + long_enough), s);
            CHECK(s.conn.disposition() == Disposition::tls);
            CHECK_FALSE(s.conn.closed());
            CHECK(s.text == row.text);
            CHECK(s.accounts.memory == 0);
            CHECK_FALSE(s.conn.blocked_since());
            if (std::string(end) == "FIN") {
                s.play({o(100, "x", 1, fin | ack)});
                CHECK_FALSE(s.conn.closed());
                CHECK(s.conn.half_closed());
                s.play({r(100, "x", 101, fin | ack)});
            } else if (std::string(end) == "RST") {
                s.play({o(0x7000000, "", 1, rst)});  // wherever it is: the connection is not followed any more
            } else {
                s.conn.close(at(s.now), s);
            }
            CHECK(s.conn.closed());
            CHECK(s.text == row.text);
            CHECK(s.accounts.memory == 0);
        }
    }
}
