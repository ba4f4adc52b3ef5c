// SPDX-License-Identifier: BSD-3-Clause
// The same dialogue in packets and as streams makes the same records.
#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "catch.h"
#include "smtpscope/record_writer.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

/// Every record as a line, sorted: two records of the same bytes have no order.
struct Lines {
    std::vector<std::string> all;
    RecordWriter writer{RecordWriter::Format::json, [this](std::string_view stream, std::string_view line) {
                            all.push_back(std::string(stream) + " " + std::string(line));
                        }};
    std::vector<std::string> sorted() {
        std::sort(all.begin(), all.end());
        return all;
    }
};

std::vector<std::string> in_packets(const std::vector<Sent>& sent) {
    Lines lines;
    Engine engine({}, lines.writer);
    for (const Sent& s : sent) send(engine, s);
    engine.finish();
    return lines.sorted();
}

/// Says what the segments hold, each piece of them with `say`. A gap is said when what came after it was captured, or
/// the other end had it.
void converse(Conversation& conversation, const std::vector<Sent>& sent,
              const std::function<void(Side, std::string_view, Timestamp)>& say) {
    std::array<std::uint32_t, 2> next{};
    const auto reach = [&](Side side, std::uint32_t seq, Timestamp ts) {
        std::uint32_t& expected = next[index(side)];
        if (seq != expected) conversation.gap(side, seq - expected, ts);
        expected = seq;
    };
    for (const Sent& s : sent) {
        if (s.flags & syn) {
            next[index(s.from)] = s.seq + 1;
            continue;
        }
        reach(opposite(s.from), s.ack_seq, at(s.at));
        reach(s.from, s.seq, at(s.at));
        say(s.from, s.payload, at(s.at));
        next[index(s.from)] += static_cast<std::uint32_t>(s.payload.size());
        if (!(s.flags & fin)) continue;
        conversation.end(s.from, at(s.at));
        ++next[index(s.from)];
    }
    conversation.finish(at(sent.back().at));
}

std::vector<std::string> as_streams(const std::vector<Sent>& sent, std::size_t piece) {
    Lines lines;
    Engine engine({}, lines.writer);
    const auto conversation = engine.open(mail_id(), at(0));
    converse(*conversation, sent, [&](Side from, std::string_view bytes, Timestamp ts) {
        for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
            conversation->data(from, bytes.substr(0, piece), ts);
    });
    CHECK(engine.stats().flows_open == 0);
    return lines.sorted();
}

Script envelope() {
    return hello() +
           Script{C("MAIL FROM:<a@b>"), S("250 ok"), C("RCPT TO:<c@d>"), S("250 ok"), C("DATA"), S("354 go on")};
}

}  // namespace

TEST_CASE("the same dialogue in packets and as streams makes the same records", "[conversation]") {
    const struct {
        const char* name;
        Script script;
    } rows[] = {
        {"a mail", hello() + mail("one") + Script{C("QUIT"), S("221 bye")}},
        {"two mails", hello() + mail("one") + mail("two")},
        {"pipelined",
         hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA"),
                          S("250 ok\n250 ok\n550 5.1.1 no\n354 go on"), C("Subject: x\n\ntext\n."), S("250 queued")}},
        {"chunks", hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 ok\n250 ok"),
                                    raw(Side::orig, "BDAT 14 LAST\r\nSubject: x\r\n\r\n"), S("250 queued")}},
        {"refused", hello() + Script{C("MAIL FROM:<a@b>"), S("550 no"), C("QUIT"), S("221 bye")}},
        {"oddities", hello() + Script{C("RCPT TO:<a@b>"), S("503 no"), C("XYZZY"), S("500 what")}},
        {"STARTTLS", hello() + Script{C("STARTTLS"), S("220 go"), raw(Side::orig, std::string(50, '\x16'))}},
        {"a gap in the message",
         envelope() + Script{C("Subject: x\n\ntext"), lost(Side::orig, 1000), C("\nmore\n."), S("250 queued")} +
             mail("next")},
        {"a gap among commands", hello() + Script{C("MAIL FROM:<a@b>"), S("250 ok"), lost(Side::orig, 27), S("250 ok"),
                                                  C("DATA"), S("354 go"), C("Subject: x\n\ntext\n."), S("250 queued")}},
        {"a gap in the replies", envelope() + Script{C("Subject: x\n\ntext\n."), lost(Side::resp, 12)} + mail("next")},
        {"a part that nobody answered", envelope() + Script{C("Subject: x\n\ntext")}},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        const std::vector<Sent> sent = segments(row.script);
        const std::vector<std::string> expected = in_packets(sent);
        CHECK_FALSE(expected.empty());
        CHECK(as_streams(sent, 100000) == expected);
        CHECK(as_streams(sent, 1) == expected);
        CHECK(as_streams(sent, 7) == expected);
    }
}

TEST_CASE("a conversation that nothing more is to be learned from says so", "[conversation]") {
    Recorder out;
    EngineOptions options;
    options.analyzer.max_invalid_mail_transactions = 1;
    Engine engine(options, out, &out);
    const auto conversation = engine.open(mail_id(), at(0));
    CHECK(conversation->data(Side::orig, "HELO c\r\nRCPT TO:<a@b>\r\n", at(1)) == Disposition::follow);
    CHECK(conversation->data(Side::orig, "RCPT TO:<a@b>\r\n", at(2)) == Disposition::invalid_transactions);
    CHECK(conversation->gap(Side::orig, 5, at(3)) == Disposition::invalid_transactions);
    CHECK(conversation->end(Side::resp, at(4)) == Disposition::invalid_transactions);
    CHECK(engine.stats().flows_ignored == 1);
    CHECK(engine.stats().gaps == 0);
    CHECK(out.ignored.empty());
    conversation->finish(at(5));
    CHECK(out.records.size() == 1);
    CHECK(out.forgotten.empty());
}

TEST_CASE("what is said after the end of a side or of the conversation is not looked at", "[conversation]") {
    Recorder out;
    Engine engine({}, out);
    const auto conversation = engine.open(mail_id(), at(0));
    conversation->data(Side::orig, "HELO c\r\nMAIL FROM:<a@b>\r\n", at(1));
    conversation->end(Side::orig, at(2));
    conversation->data(Side::orig, "MAIL FROM:<c@d>\r\n", at(3));
    conversation->gap(Side::orig, 5, at(3));
    CHECK(engine.flows(10).at(0).orig_bytes == 25);
    CHECK(engine.stats().gaps == 0);
    conversation->finish(at(4), Ending::timeout);
    REQUIRE(out.records.size() == 1);
    CHECK(out.records[0].mailfrom == "a@b");
    CHECK(out.records[0].incomplete == "timeout");
    conversation->finish(at(5));
    conversation->data(Side::orig, "MAIL FROM:<c@d>\r\n", at(6));
    CHECK(out.records.size() == 1);
}

TEST_CASE("an engine that finishes ends its conversations, one that is let go leaves no record", "[conversation]") {
    Recorder out;
    Engine engine({}, out);
    const auto ended = engine.open(mail_id(), at(0));
    auto let_go = engine.open(mail_id(), at(1));
    for (Conversation* one : {ended.get(), let_go.get()}) one->data(Side::orig, "HELO c\r\nMAIL FROM:<a@b>\r\n", at(2));
    CHECK(engine.flows(10).size() == 2);
    CHECK(engine.flows(1).size() == 1);
    CHECK(engine.stats().flows_open == 2);
    let_go.reset();
    CHECK(engine.stats().flows_open == 1);
    engine.finish(Ending::shutdown);
    REQUIRE(out.records.size() == 1);
    CHECK(out.records[0].incomplete == "shutdown");
    CHECK(engine.stats().flows_open == 0);
}

TEST_CASE("somebody who joins late says so, once for each side", "[conversation]") {
    Recorder out;
    Engine engine({}, out);
    const auto conversation = engine.open(mail_id(), at(0));
    conversation->gap(Side::orig, 0, at(1));
    conversation->gap(Side::resp, 0, at(1));
    conversation->data(Side::orig, "RCPT TO:<c@d>\r\n", at(2));
    conversation->gap(Side::orig, 0, at(3));
    conversation->data(Side::resp, "250 ok\r\n", at(3));
    CHECK(engine.stats().gaps == 0);
    conversation->finish(at(4));
    REQUIRE(out.records.size() == 1);
    CHECK(out.records[0].incomplete == "beginning");
}

TEST_CASE("the rest of a large message may be left out of a conversation", "[conversation]") {
    Recorder out;
    EngineOptions options;
    options.analyzer.max_message_bytes = 100;
    Engine engine(options, out, &out);
    const auto conversation = engine.open(mail_id(), at(0));
    for (const Turn& t : envelope()) conversation->data(t.from, t.text, at(1));
    conversation->data(Side::orig, "Subject: x\r\n\r\n" + std::string(200, 'x') + "\r\n", at(2));
    CHECK(out.skipped == std::vector<Side>{Side::orig});
    conversation->gap(Side::orig, 5000, at(3));
    conversation->data(Side::resp, "250 queued\r\n", at(4));
    conversation->finish(at(5));
    REQUIRE(out.records.size() == 1);
    CHECK(out.records[0].ignored_bytes == 5000);
    CHECK_FALSE(out.records[0].missed_bytes);
    CHECK(engine.stats().skipped_bytes == 5000);
    CHECK(engine.stats().gap_bytes == 0);
}
