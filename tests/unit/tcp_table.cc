// SPDX-License-Identifier: BSD-3-Clause
// The connections that are followed: who began, when they are over, and how many there may be.
#include <functional>
#include <string>

#include "catch.h"
#include "support_talk.h"
#include "tcp/table.h"

using namespace smtpscope;
using namespace smtpscope::tcp;
using namespace smtpscope::test;

namespace {

constexpr std::int64_t second = 1000000;  // in microseconds

std::string shown(const ConnId& id) {
    return id.orig_h.to_string() + ":" + std::to_string(id.orig_p) + ">" + id.resp_h.to_string() + ":" +
           std::to_string(id.resp_p);
}

/// Notes what becomes of sessions: `+id` opened, `finish`, `!` ignored, `closed`; payload as `o[bytes]`.
class Factory final : public SessionFactory {
  public:
    std::unique_ptr<tcp::Session> open(const ConnId& id, Timestamp begin, Connection&) override {
        log += "+" + shown(id) + " ";
        last_begin = begin;
        ++open_now;
        return std::make_unique<Recording>(*this);
    }
    void ignore(const ConnId&, Disposition why) override {
        CHECK(why == answer);
        log += "! ";
    }
    void closed(const ConnId&) override {
        log += "closed ";
        --open_now;
    }

    std::string log;
    std::vector<Ending> endings;
    Timestamp last_begin;
    Disposition answer = Disposition::follow;  ///< of the sessions to what is delivered
    std::size_t open_now = 0;

  private:
    struct Recording final : tcp::Session {
        explicit Recording(Factory& f) : factory(&f) {}
        Disposition data(Side side, std::string_view bytes, Timestamp) override { return note(side, bytes); }
        Disposition gap(Side side, std::uint64_t n, Timestamp) override {
            return note(side, "<" + std::to_string(n) + ">");
        }
        Disposition end(Side side, Timestamp) override { return note(side, "|"); }
        void sent_by(Side from, const Sender& s) override { note(from, "by " + std::to_string(s.uid)); }
        void finish(Timestamp, Ending why) override {
            factory->log += "finish ";
            factory->endings.push_back(why);
        }
        void describe(FlowSummary& s) const override {
            s.uid = "known";
            s.stage = FlowStage::commands;
        }
        Disposition note(Side side, std::string_view what) {
            factory->log += std::string(side == Side::orig ? "o[" : "r[") + std::string(what) + "] ";
            return factory->answer;
        }
        Factory* factory;
    };
};

struct Fixture {
    explicit Fixture(const Limits& l = {}) : limits(l) {}

    void send(Sent s, std::int64_t after = 1, const ConnId& id = mail_id()) {
        s.at = now += after;
        table.segment(segment(s, id));
    }
    void send(const std::vector<Sent>& all) {
        for (const Sent& s : all) send(s);
    }
    void pause(std::int64_t microseconds) { table.advance(at(now += microseconds)); }

    Limits limits;
    Factory factory;
    Table table{limits, {25, 587}, factory};
    std::int64_t now = 0;
};

Sent seg(Side from, std::uint32_t seq, std::uint32_t ack_seq, std::uint8_t flags, std::string payload = {}) {
    return {from, seq, ack_seq, flags, std::move(payload), 0, 0};
}

ConnId client(std::uint32_t n, std::uint16_t port = 25) {
    ConnId id = mail_id();
    const std::uint8_t address[4] = {10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                                     static_cast<std::uint8_t>(n)};
    id.orig_h = Address::from_v4(address);
    id.resp_p = port;
    return id;
}

const std::string id_text = "198.51.100.7:40000>203.0.113.25:25";

/// A handshake, and a byte from each end.
std::vector<Sent> beginning(std::uint32_t isn = 1000) {
    return {seg(Side::orig, isn, 0, syn), seg(Side::resp, 5000, isn + 1, syn | ack),
            seg(Side::orig, isn + 1, 5001, ack), seg(Side::resp, 5001, isn + 1, ack, "s"),
            seg(Side::orig, isn + 1, 5002, ack, "c")};
}
std::vector<Sent> fins(std::uint32_t isn = 1000) {
    return {seg(Side::orig, isn + 2, 5002, fin | ack), seg(Side::resp, 5002, isn + 3, fin | ack),
            seg(Side::orig, isn + 3, 5003, ack)};
}

}  // namespace

TEST_CASE("flows: which end is the originator", "[tcp]") {
    struct Row {
        const char* name;
        std::uint16_t orig_p, resp_p;
        Sent first;          ///< sent by the end named orig below
        std::string opened;  ///< as whom; empty: not at all
    };
    const auto data_from = [](Side from) { return seg(from, 100, 100, ack, "x"); };
    const std::string a = "198.51.100.7:", b = "203.0.113.25:";
    const Row rows[] = {
        {"data to a server's port", 40000, 25, data_from(Side::orig), a + "40000>" + b + "25"},
        {"data to the other one", 40000, 587, data_from(Side::orig), a + "40000>" + b + "587"},
        {"data from a server's port", 40000, 25, data_from(Side::resp), a + "40000>" + b + "25"},
        {"both are servers' ports: data goes to the server", 25, 587, data_from(Side::orig), a + "25>" + b + "587"},
        {"SYN with payload", 40000, 25, seg(Side::orig, 100, 0, syn, "x"), a + "40000>" + b + "25"},
        {"SYN and ACK with payload", 40000, 25, seg(Side::resp, 100, 7, syn | ack, "x"), a + "40000>" + b + "25"},
        {"the handshake counts, not the port", 25, 587, seg(Side::resp, 100, 7, syn | ack, "x"), a + "25>" + b + "587"},
        {"SYN from a server's port", 25, 40000, seg(Side::orig, 100, 0, syn, "x"), ""},
        {"no server's port", 40000, 80, data_from(Side::orig), ""},
        {"SYN to no server's port", 40000, 80, seg(Side::orig, 100, 0, syn, "x"), ""},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Fixture f;
        ConnId id = mail_id();
        id.orig_p = r.orig_p;
        id.resp_p = r.resp_p;
        f.send(r.first, 1, id);
        f.table.finish(Ending::shutdown);
        CHECK(f.factory.log.substr(0, f.factory.log.find(' ')) == (r.opened.empty() ? "" : "+" + r.opened));
        CHECK(f.table.stats().not_mail == (r.opened.empty() ? 1 : 0));
        CHECK(f.table.stats().opened == (r.opened.empty() ? 0 : 1));
        CHECK(f.table.size() == 0);
    }
}

TEST_CASE("flows: whose socket sends is told once for each end, with its first payload", "[tcp]") {
    Fixture f;
    std::vector<Sent> all = beginning();
    for (Sent& s : all) s.sender = {s.from == Side::orig ? 7U : 0U, 1};
    all[3].sender.uid = 8;  // the listener belongs to another user than the accepted connection
    f.send(all);
    CHECK(f.factory.log == "+" + id_text + " r[by 8] r[s] o[by 7] o[c] ");
    Sent more = seg(Side::orig, 1002, 5002, ack, "d");
    more.sender = {9, 1};
    f.send(more);
    CHECK(f.factory.log.ends_with(" o[c] o[d] "));
}

TEST_CASE("flows: why a session ends", "[tcp]") {
    struct Row {
        const char* name;
        std::vector<Sent> segments;  ///< after the beginning
        std::function<void(Fixture&)> then;
        Ending why;
    };
    const auto finish = [](Fixture& f) { f.table.finish(Ending::shutdown); };
    const auto wait = [](Fixture& f) { f.pause(3600 * second); };
    const auto crowd = [](Fixture& f) {
        for (std::uint32_t n = 0; n < 4; ++n)
            for (const Sent& s : beginning()) f.send(s, 1, client(n));
    };
    const Sent lost_before_fin = seg(Side::orig, 1005, 5002, fin | ack);
    const Row rows[] = {
        {"FINs", fins(), finish, Ending::closed},
        {"RST", {seg(Side::resp, 5002, 1002, rst)}, finish, Ending::closed},
        {"none of them, and the program ends", {}, finish, Ending::shutdown},
        {"one FIN, and the program ends", {fins()[0]}, finish, Ending::shutdown},
        {"silence", {}, wait, Ending::timeout},
        {"silence after one FIN", {fins()[0]}, wait, Ending::timeout},
        {"others", {}, crowd, Ending::evicted},
        {"both FINs, beyond a hole", {lost_before_fin, seg(Side::resp, 5002, 1002, fin | ack)}, finish, Ending::closed},
        {"a new connection",
         {seg(Side::orig, 9000, 0, syn), seg(Side::resp, 9, 9001, syn | ack)},
         finish,
         Ending::closed},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Limits limits;
        limits.flows = 4;
        Fixture f(limits);
        f.send(beginning());
        f.send(r.segments);
        r.then(f);
        REQUIRE(!f.factory.endings.empty());
        CHECK(f.factory.endings.front() == r.why);
    }
}

TEST_CASE("flows: a session from its first payload to its end", "[tcp]") {
    Fixture f;
    SECTION("nothing before payload") {
        f.send({beginning()[0], beginning()[1], beginning()[2]});
        CHECK(f.factory.log.empty());
        CHECK(f.table.size() == 1);
        f.send(beginning()[3]);
        CHECK(f.factory.log == "+" + id_text + " r[s] ");
        CHECK(f.factory.last_begin == at(1));
    }
    SECTION("FINs") {
        f.send(beginning());
        f.send(fins());
        CHECK(f.factory.log == "+" + id_text + " r[s] o[c] o[|] r[|] finish closed ");
        CHECK(f.factory.open_now == 0);
    }
    SECTION("RST") {
        f.send(beginning());
        f.send(seg(Side::resp, 5002, 1002, rst));
        CHECK(f.factory.log == "+" + id_text + " r[s] o[c] finish closed ");
    }
    SECTION("the capture ends") {
        f.send(beginning());
        f.send(seg(Side::orig, 1005, 5002, ack, "early"));
        f.table.finish(Ending::shutdown);
        CHECK(f.factory.log == "+" + id_text + " r[s] o[c] o[<3>] o[early] finish closed ");
        CHECK(f.table.size() == 0);
        CHECK(f.table.accounts().memory == 0);
    }
    SECTION("without payload there was no session") {
        f.send({beginning()[0], beginning()[1], seg(Side::orig, 1001, 5001, rst)});
        f.table.finish(Ending::shutdown);
        CHECK(f.factory.log.empty());
    }
}

TEST_CASE("flows: what begins none is stray", "[tcp]") {
    for (const int flags : {+ack, ack | fin, +rst, ack | rst, syn | rst}) {
        INFO(flags);
        Fixture f;
        f.send(seg(Side::orig, 100, 100, static_cast<std::uint8_t>(flags)));
        CHECK(f.table.stats().stray == 1);
        CHECK(f.table.stats().opened == 0);
        CHECK(f.table.size() == 0);
    }
}

TEST_CASE("flows: stragglers after the end open nothing", "[tcp]") {
    Fixture f;
    f.send(beginning());
    f.send(fins());
    const std::string before = f.factory.log;
    f.send(seg(Side::orig, 1001, 5002, ack, "c"));
    f.send(seg(Side::resp, 5000, 1001, syn | ack));
    f.send(seg(Side::resp, 5002, 1003, fin | ack));
    CHECK(f.factory.log == before);
    CHECK(f.table.stats().stray == 4);  // and the last ACK
    CHECK(f.table.stats().opened == 1);
    SECTION("and are forgotten after a while") {
        f.pause(61 * second);
        CHECK(f.table.size() == 0);
        CHECK(f.factory.log == before);
    }
}

TEST_CASE("flows: ports are used again", "[tcp]") {
    const std::string first = "+" + id_text + " r[s] o[c] ";
    struct Row {
        const char* name;
        std::vector<Sent> end;  ///< of the first connection
        std::vector<Sent> next;
        std::string log;
    };
    const Row rows[] = {
        {"after FINs", fins(), beginning(9000), "o[|] r[|] finish closed " + first},
        {"after FINs, the same sequence number", fins(), beginning(1000), "o[|] r[|] finish closed " + first},
        {"after RST", {seg(Side::resp, 5002, 1002, rst)}, beginning(9000), "finish closed " + first},
        {"after one FIN", {fins()[0]}, beginning(9000), "o[|] finish closed " + first},
        {"after no end at all: when the other end agrees", {}, beginning(9000), "finish closed " + first},
        {"SYN once more is no new one", {}, {beginning()[0], beginning()[1]}, ""},
        {"a SYN of anybody is not enough", {}, {beginning(9000)[0], seg(Side::orig, 1002, 5002, ack, "on")}, "o[on] "},
        {"nor an answer to another one",
         {},
         {beginning(9000)[0], beginning(7777)[1], seg(Side::orig, 1002, 5002, ack, "on")},
         "o[on] "},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Fixture f;
        f.send(beginning());
        f.send(r.end);
        f.send(r.next);
        CHECK(f.factory.log == first + r.log);
    }
}

TEST_CASE("flows: time-outs", "[tcp]") {
    SECTION("handshake without data") {
        Fixture f;
        f.send({beginning()[0], beginning()[1]});
        f.pause(9 * second);
        CHECK(f.table.size() == 1);
        f.pause(2 * second);
        CHECK(f.table.size() == 0);
        CHECK(f.factory.log.empty());
    }
    SECTION("idle") {
        Fixture f;
        f.send(beginning());
        f.pause(840 * second);
        f.send(seg(Side::orig, 1002, 5002, ack, "d"));
        f.pause(840 * second);
        CHECK(f.factory.open_now == 1);
        f.pause(61 * second);
        CHECK(f.factory.open_now == 0);
        CHECK(f.factory.log.ends_with("o[d] finish closed "));
    }
    SECTION("half closed") {
        Fixture f;
        f.send(beginning());
        f.send(fins()[0]);
        f.pause(59 * second);
        CHECK(f.factory.open_now == 1);
        f.pause(2 * second);
        CHECK(f.factory.open_now == 0);
    }
    SECTION("none") {
        Limits limits;
        limits.idle_timeout = limits.handshake_timeout = Duration::zero();
        Fixture f(limits);
        f.send(beginning());
        f.send(beginning()[0], 1, client(1));
        f.pause(1000000 * second);
        CHECK(f.table.size() == 2);
    }
    SECTION("a hole that is given up") {
        Fixture f;
        f.send(beginning());
        f.send(seg(Side::orig, 1005, 5002, ack, "on"));
        f.send(seg(Side::resp, 5002, 1007, ack, "r"));
        f.pause(400000);
        CHECK(f.factory.log.ends_with("o[c] "));
        f.pause(200000);
        CHECK(f.factory.log.ends_with("o[c] o[<3>] o[on] r[r] "));
    }
    SECTION("another connection's packets move the time on") {
        Fixture f;
        f.send(beginning());
        f.send(seg(Side::orig, 1005, 5002, ack, "on"));
        f.send(seg(Side::resp, 5002, 1007, ack, "r"));
        f.send(beginning()[0], second, client(1));
        CHECK(f.factory.log.ends_with("o[c] o[<3>] o[on] r[r] "));
    }
    SECTION("a capture's time that goes back does not") {
        Fixture f;
        f.send(beginning());
        f.send(seg(Side::orig, 1002, 5002, ack, "d"), -3600 * second);
        CHECK(f.table.now() == at(5));
        CHECK(f.factory.log.ends_with("o[d] "));
    }
}

TEST_CASE("flows: no more than the limit", "[tcp]") {
    Limits limits;
    limits.flows = 16;
    SECTION("the idlest gives way") {
        Fixture f(limits);
        for (std::uint32_t n = 0; n < 16; ++n)
            for (const Sent& s : beginning()) f.send(s, 1, client(n));
        f.send(seg(Side::orig, 1002, 5002, ack, "on"), 1, client(0));
        f.factory.log.clear();
        for (const Sent& s : beginning()) f.send(s, 1, client(16));
        CHECK(f.table.size() == 16);
        CHECK(f.table.stats().evicted == 1);
        f.send(seg(Side::orig, 1004, 5002, ack, "still"), 1, client(0));
        CHECK(f.factory.log == "finish closed +" + shown(client(16)) + " r[s] o[c] o[still] ");
    }
    SECTION("a flood of SYNs harms nobody but itself") {
        Fixture f(limits);
        for (std::uint32_t n = 0; n < 14; ++n)
            for (const Sent& s : beginning()) f.send(s, 1, client(n));
        f.factory.log.clear();
        for (std::uint32_t n = 1000; n < 3000; ++n) f.send(beginning()[0], 1, client(n));
        CHECK(f.table.size() == 16);
        CHECK(f.table.stats().evicted == 1998);
        CHECK(f.factory.log.empty());
        CHECK(f.factory.open_now == 14);
        for (std::uint32_t n = 0; n < 14; ++n) f.send(seg(Side::orig, 1002, 5002, ack, "on"), 1, client(n));
        CHECK(f.factory.log.size() == 14 * std::string("o[on] ").size());
    }
    SECTION("connections that are over go first") {
        Fixture f(limits);
        for (std::uint32_t n = 0; n < 16; ++n)
            for (const Sent& s : beginning()) f.send(s, 1, client(n));
        for (const Sent& s : fins()) f.send(s, 1, client(9));
        CHECK(f.factory.open_now == 15);
        for (const Sent& s : beginning()) f.send(s, 1, client(16));
        CHECK(f.factory.open_now == 16);
        CHECK(f.table.size() == 16);
    }
    SECTION("none") {
        limits.flows = 0;
        Fixture f(limits);
        for (std::uint32_t n = 0; n < 1000; ++n) f.send(beginning()[0], 1, client(n));
        CHECK(f.table.size() == 1000);
        CHECK(f.table.stats().evicted == 0);
    }
    SECTION("one") {
        limits.flows = 1;
        Fixture f(limits);
        for (std::uint32_t n = 0; n < 3; ++n)
            for (const Sent& s : beginning()) f.send(s, 1, client(n));
        CHECK(f.table.size() == 1);
        CHECK(f.table.stats().evicted == 2);
    }
}

TEST_CASE("flows: payload that nobody wants any more is complained about now and then", "[tcp]") {
    Fixture f;
    f.send(beginning());
    f.factory.log.clear();
    f.factory.answer = Disposition::invalid_transactions;
    f.send(seg(Side::orig, 1002, 5002, ack, "x"));
    CHECK(f.factory.log == "o[x] ! ");
    CHECK(f.table.stats().ignored == 1);
    CHECK(f.table.latest(1).at(0).stage == FlowStage::ignored);
    f.factory.log.clear();
    for (std::uint32_t i = 0; i < 130; ++i) f.send(seg(Side::orig, 1003 + i, 5002, ack, "x"));
    CHECK(f.factory.log == "! ! ! ");  // the first, and every 64th after it
    f.send(seg(Side::orig, 1133, 5002, ack));
    CHECK(f.factory.log == "! ! ! ");
    f.send(seg(Side::orig, 1133, 5002, fin | ack));
    f.send(seg(Side::resp, 5002, 1134, fin | ack));
    CHECK(f.factory.log == "! ! ! finish closed ");
    CHECK(f.table.stats().ignored == 1);
}

TEST_CASE("flows: the end of one that is given up, and of one that waits, is told as well", "[tcp]") {
    for (const bool waits : {true, false}) {
        Fixture f;
        f.send(beginning());
        f.factory.log.clear();
        f.factory.answer = Disposition::tls;
        f.send(seg(Side::orig, 1003, 5002, ack, "y"));  // behind a hole
        CHECK(f.factory.log.empty());
        if (waits) f.send(seg(Side::resp, 5002, 1004, ack, ""));
        if (waits)
            f.table.advance(at(f.now + 2 * second));
        else
            f.table.finish(Ending::shutdown);
        CHECK(f.factory.log == (waits ? "o[<1>] ! " : "o[<1>] ! finish closed "));
        CHECK(f.table.stats().ignored == 1);
    }
}

TEST_CASE("flows: those with the latest packets, with what is known of each", "[tcp]") {
    Fixture f;
    const auto latest = [&](std::size_t limit) {
        std::vector<std::string> all;
        for (const FlowSummary& s : f.table.latest(limit))
            all.push_back(s.id.orig_h.to_string() + ' ' + s.uid + (s.uid.empty() ? "" : " ") +
                          std::string(to_string(s.stage)) + ' ' + std::to_string(s.orig_bytes) + '/' +
                          std::to_string(s.resp_bytes));
        return all;
    };
    using Lines = std::vector<std::string>;
    CHECK(latest(10).empty());
    for (const Sent& s : beginning()) f.send(s, 1, client(1));
    f.send(seg(Side::orig, 1000, 0, syn), 1, client(2));
    for (const Sent& s : beginning()) f.send(s, 1, client(3));
    f.send(seg(Side::orig, 1002, 5002, fin | ack), 1, client(3));
    CHECK(latest(10) == Lines{"10.0.0.3 known closing 1/1", "10.0.0.2 handshake 0/0", "10.0.0.1 known commands 1/1"});
    // A packet makes it the latest. Bytes behind a hole do not count yet.
    f.send(seg(Side::orig, 1002, 5002, ack, "more"), 1, client(1));
    f.send(seg(Side::orig, 1010, 5002, ack, "behind a hole"), 1, client(1));
    CHECK(latest(2) == Lines{"10.0.0.1 known commands 5/1", "10.0.0.3 known closing 1/1"});
    CHECK(latest(0).empty());
    const FlowSummary first = f.table.latest(1).at(0);
    CHECK(first.begin == at(1));
    CHECK(first.last == at(f.now));
    // What is over is none of them, though its ports are remembered.
    f.send(seg(Side::resp, 5002, 1003, fin | ack), 1, client(3));
    f.send(seg(Side::orig, 1003, 5003, ack), 1, client(3));
    CHECK(latest(10) == Lines{"10.0.0.1 known commands 5/1", "10.0.0.2 handshake 0/0"});
}
