// SPDX-License-Identifier: BSD-3-Clause
// One shard: verdicts, options that change under way, and an account of every packet.
#include <string>

#include "catch.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

TEST_CASE("after STARTTLS the flow is ignored, once, and again while payload comes", "[engine]") {
    Recorder out;
    Engine engine({}, out, &out);
    std::vector<Sent> all = segments(hello() + Script{C("STARTTLS"), S("220 go")}, {1000, 2000000000, true, false, {}});
    for (const Sent& s : all) send(engine, s);
    CHECK(out.ignored.empty());  // the handshake is still to come, but this will be none
    CHECK(out.records.empty());  // when the session ends
    Sent more = all.back();
    more.seq += 8;
    more.payload = std::string(100, 'x');
    for (int i = 0; i < 66; ++i) {
        send(engine, more);
        more.seq += 100;
    }
    REQUIRE(out.ignored.size() == 3);
    CHECK(out.ignored[0] == std::pair(mail_id(), Disposition::tls));
    CHECK(engine.stats().flows_ignored == 1);
    CHECK(out.handshakes.empty());
    CHECK(out.forgotten.empty());
    more.flags = rst;
    send(engine, more);
    CHECK(out.forgotten == std::vector<ConnId>{mail_id()});
    CHECK(out.texts() == std::vector<std::string>{"1 helo=[c] last_reply=[220 go] tls"});
    CHECK(engine.stats().memory_held == 0);
    engine.finish();
    CHECK(out.forgotten.size() == 1);
    CHECK(out.records.size() == 1);
}

TEST_CASE("at a shutdown the kernel's verdicts stay for the process that comes next", "[engine]") {
    for (const Ending why : {Ending::shutdown, Ending::end_of_capture}) {
        Recorder out;
        Engine engine({}, out, &out);
        const Script open{C("EHLO c"), S("250 x"), C("MAIL FROM:<a@b>")};
        for (const Sent& s : segments(open, {1000, 2000000000, true, false, {}})) send(engine, s);
        engine.finish(why);
        CHECK(out.records.size() == 1);
        CHECK(out.forgotten.empty() == (why == Ending::shutdown));
    }
}

TEST_CASE("an encrypted connection that is met in the middle is silenced again", "[engine]") {
    const auto record = [](std::size_t length) {
        return std::string("\x17\x03\x03", 3) + static_cast<char>(length >> 8) + static_cast<char>(length) +
               std::string(length, '\xa5');
    };
    const std::string stream = std::string(500, '\xa5') + record(2000) + record(2000) + record(30);
    for (const Side side : {Side::orig, Side::resp}) {
        INFO((side == Side::orig ? "orig" : "resp"));
        Recorder out;
        Engine engine({}, out, &out);
        for (const Sent& s : segments({raw(side, stream)}, {1000, 2000000000, false, false, {}})) send(engine, s);
        engine.advance(from_nanoseconds(1'800'000'000'000'000'000));
        REQUIRE(out.ignored.size() == 1);
        CHECK(out.ignored[0] == std::pair(mail_id(), Disposition::tls));
        engine.finish();
        CHECK(out.records.empty());
    }
}

TEST_CASE("the reason of a repeated verdict is that of the first", "[engine]") {
    EngineOptions options;
    options.analyzer.max_invalid_mail_transactions = 1;
    const Recorder out = play(hello() + Script{C("RCPT TO:<a@b>\nRCPT TO:<c@d>"), C("NOOP")}, options);
    REQUIRE(out.ignored.size() == 2);
    CHECK(out.ignored[1].second == Disposition::invalid_transactions);
}

TEST_CASE("the rest of a large message is not copied, and is no loss", "[engine]") {
    EngineOptions options;
    options.analyzer.max_message_bytes = 5000;
    Recorder out;
    Engine engine(options, out, &out);
    Script script =
        hello() + Script{C("MAIL FROM:<a@one>"), S("250 m"), C("RCPT TO:<b@one>"), S("250 r"), C("DATA"), S("354 d")};
    std::string content = "Subject: one\r\n\r\n";
    while (content.size() < 60000) content += "a line of the body that goes on and on\r\n";
    script = script + Script{raw(Side::orig, content + ".\r\n"), S("250 taken as 1")} + mail("two");
    std::uint64_t skipped = 0;
    bool answered = false;
    for (Sent s : segments(script, {1000, 2000000000, true, true, {}})) {
        // The kernel leaves headers, until the server answers.
        answered |= !out.skipped.empty() && s.from == Side::resp && !s.payload.empty();
        if (!out.skipped.empty() && !answered && s.from == Side::orig) {
            s.cut = static_cast<std::uint32_t>(s.payload.size());
            skipped += s.cut;
        }
        send(engine, s);
    }
    engine.finish();
    CHECK(out.skipped == std::vector<Side>{Side::orig});
    REQUIRE(out.records.size() == 2);
    CHECK(out.records[0].subject == "one");
    CHECK(out.records[0].last_reply == "250 taken as 1");
    CHECK(out.records[0].ignored_bytes == skipped);
    CHECK(out.records[0].message_bytes == content.size());
    CHECK_FALSE(out.records[0].missed_bytes);
    CHECK(out.records[1].mailfrom == "a@two");
    CHECK_FALSE(out.records[1].ignored_bytes);
    CHECK(engine.stats().skipped_bytes == skipped);
    CHECK(engine.stats().gap_bytes == 0);
    CHECK(skipped > 50000);
}

TEST_CASE("options change in mid-session", "[engine]") {
    Recorder out;
    EngineOptions options;
    options.uid_seed = 1;
    Engine engine(options, out, &out);
    const std::vector<Sent> all =
        segments(hello() + Script{C("RCPT TO:<a@b>"), S("503 no"), C("RCPT TO:<c@d>"), S("503 no")} + mail("x"));
    std::size_t sent = 0;
    const auto send_to = [&](std::size_t end) {
        for (; sent < end; ++sent) send(engine, all[sent]);
    };
    send_to(handshake_segments + 5);  // the first RCPT and its reply
    options.analyzer.max_rcptto_addresses = 1;
    options.likely_server_ports = {2525};
    options.uid_seed = 2;
    engine.set_options(options);
    send_to(all.size());
    engine.finish();
    CHECK(out.odd() == std::vector<std::string>{"smtp_mail_transaction_invalid: rcpt to missing mail from",
                                                "smtp_too_many_rcptto_addresses"});
    // What stays as it was: the ports, and the seed.
    std::vector<Sent> second = segments(mail("y"));
    for (Sent& s : second) s.at += 1000000;
    for (const Sent& s : second) send(engine, s);
    engine.finish();
    options.uid_seed = 1;
    options.likely_server_ports = {25};
    CHECK(out.records.back().subject == "y");
    CHECK(out.records.back().uid == play(second, options).records.at(0).uid);
}

TEST_CASE("uids tell connections apart, and stay the same for the same trace and seed", "[engine]") {
    const auto uid = [](std::uint64_t seed, std::int64_t begin) {
        EngineOptions options;
        options.uid_seed = seed;
        std::vector<Sent> all = segments(hello() + mail("x"));
        for (Sent& s : all) s.at += begin;
        return play(all, options).records.at(0).uid;
    };
    CHECK(uid(0, 0) == uid(0, 0));
    CHECK(uid(0, 0) != uid(1, 0));
    CHECK(uid(0, 0) != uid(0, 1));
    CHECK(uid(0, 0).size() == 19);
    CHECK(uid(0, 0)[0] == 'C');
    CHECK(uid(0, 0).find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
          std::string::npos);
}

TEST_CASE("every packet is counted under one cause", "[engine]") {
    Recorder out;
    Engine engine({}, out);
    const auto give = [&](const PacketSpec& spec) {
        const Buffer frame = ip_packet(spec);
        engine.packet(packet(frame, LinkType::raw_ip));
    };
    PacketSpec good;
    good.payload = "EHLO c\r\n";
    give(good);
    PacketSpec other = good;
    other.protocol = 17;
    give(other);
    other = good;
    other.fragment = 0x2000;
    give(other);
    other = good;
    other.ihl = 3;
    give(other);
    other = good;
    other.break_tcp_checksum = true;
    give(other);
    other = good;
    other.dport = 80;
    give(other);
    other = good;
    other.sport = 50000;
    other.payload.clear();
    give(other);
    const EngineStats s = engine.stats();
    CHECK(s.packets == 7);
    CHECK(s.not_tcp == 1);
    CHECK(s.fragments == 1);
    CHECK(s.malformed == 1);
    CHECK(s.bad_checksums == 1);
    CHECK(s.not_mail == 1);
    CHECK(s.stray == 1);
    CHECK(s.segments + s.not_tcp + s.fragments + s.malformed + s.bad_checksums == s.packets);
    CHECK(s.flows_opened == 1);
    CHECK(s.bytes > 280);

    SECTION("wrong checksums are taken where they are not validated") {
        EngineOptions options;
        options.validate_checksums = false;
        engine.set_options(options);
        other = good;
        other.break_tcp_checksum = other.break_ip_checksum = true;
        give(other);
        CHECK(engine.stats().bad_checksums == 1);
        CHECK(engine.stats().segments == s.segments + 1);
    }
}

TEST_CASE("what is told of an open session", "[engine]") {
    const Script envelope =
        hello() + Script{C("MAIL FROM:<a@b>"), S("250 ok"), C("RCPT TO:<c@d>"), S("250 ok"), C("DATA"), S("354 go")};
    EngineOptions one_invalid;
    one_invalid.analyzer.max_invalid_mail_transactions = 1;
    const struct {
        const char* name;
        Script script;
        EngineOptions options;
        FlowStage stage;
        std::uint64_t message_bytes;
    } rows[] = {
        {"commands", hello(), {}, FlowStage::commands, 0},
        {"a message", envelope + Script{C("Subject: x\n\nsome text")}, {}, FlowStage::message, 25},
        {"between messages", envelope + Script{C("Subject: x\n\ntext\n."), S("250 ok")}, {}, FlowStage::commands, 0},
        {"TLS", hello() + Script{C("STARTTLS"), S("220 go")}, {}, FlowStage::tls, 0},
        {"given up", hello() + Script{C("RCPT TO:<a@b>\nRCPT TO:<c@d>")}, one_invalid, FlowStage::ignored, 0},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Recorder out;
        Engine engine(row.options, out, &out);
        for (const Sent& s : segments(row.script, {1000, 2000000000, true, false, {}})) send(engine, s);
        const std::vector<FlowSummary> flows = engine.flows(10);
        REQUIRE(flows.size() == 1);
        CHECK(flows[0].id == mail_id());
        CHECK(to_string(flows[0].stage) == to_string(row.stage));
        CHECK(flows[0].message_bytes == row.message_bytes);
        CHECK(flows[0].orig_bytes > 0);
        engine.finish();
        CHECK((out.records.empty() || out.records[0].uid == flows[0].uid));
        CHECK(engine.flows(10).empty());
    }
}

TEST_CASE("what the engine tells of software and notices is counted, and what it does not tell of them", "[engine]") {
    EngineOptions options;
    options.software.asset_tracking = Host::all;
    options.notices.max_hosts = 8;
    Recorder out;
    Engine engine(options, out);
    const Script session = hello() + Script{C("MAIL FROM:<a@b>"),
                                            S("250 ok"),
                                            C("RCPT TO:<c@d>"),
                                            S("550-see https://www.spamhaus.org/\r\n550 no"),
                                            C("RCPT TO:<e@f>"),
                                            S("550 see https://www.spamhaus.org/"),
                                            C("RCPT TO:<g@h>"),
                                            S("250 ok"),
                                            C("DATA"),
                                            S("354 go"),
                                            C("User-Agent: Mutt/2.2.9\r\n\r\n."),
                                            S("250 ok")};
    ConnId id = mail_id();
    for (int host = 1; host <= 9; ++host) {
        id.orig_h = *Address::parse("198.51.100." + std::to_string(host));
        for (const Sent& s : segments(session)) send(engine, s, id);
    }
    const EngineStats stats = engine.stats();
    CHECK(stats.software == 9);
    CHECK(stats.software == out.clients.size());
    CHECK(stats.notices == 9);
    CHECK(stats.notices == out.notices.size());
    CHECK(stats.notices_suppressed == 9);
    CHECK(stats.notice_hosts_evicted == 1);
}
