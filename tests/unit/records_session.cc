// SPDX-License-Identifier: BSD-3-Clause
// Sessions to records, through the whole engine.
#include <algorithm>
#include <string>

#include "catch.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

using Strings = std::vector<std::string>;

/// A mail with these header fields.
Script with_header(const std::string& fields) {
    return hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"),
                            C(fields + "\n\nbody\n."), S("250 q")};
}

/// The envelope that with_header() sends, as to_text() shows it before and after the header's fields.
const std::string before = "1 helo=[c] mailfrom=[a@b] rcptto=[c@d]", after = " last_reply=[250 q]";

std::string count_of(const char* pattern, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += (i == 0 ? "" : "\n") + std::string(pattern) + std::to_string(i) + "@x>";
    return out;
}

}  // namespace

TEST_CASE("every header field goes to its place", "[records]") {
    struct Row {
        const char* name;
        std::string header, fields;
    };
    const Row rows[] = {
        {"none", "X: y", ""},
        {"Date", "Date: Mon, 1 Jan", " date=[Mon, 1 Jan]"},
        {"From", "From: A <a@a>", " from=[A <a@a>]"},
        {"To", "To: A <a@a>, b@b", " to=[A <a@a>|b@b]"},
        {"To twice", "To: a@a\nTo: b@b, a@a", " to=[a@a|b@b]"},
        {"To without an address", "To: undisclosed-recipients:;", " to=[]"},
        {"Cc", "Cc: a@a", " cc=[a@a]"},
        {"Bcc is none", "Bcc: a@a", ""},
        {"Reply-To", "Reply-To: r@r", " reply_to=[r@r]"},
        {"Message-ID", "Message-ID: <1@x>", " msg_id=[<1@x>]"},
        {"In-Reply-To", "In-Reply-To: <0@x>", " in_reply_to=[<0@x>]"},
        {"Subject", "Subject: s", " subject=[s]"},
        {"Subject, empty", "Subject:", " subject=[]"},
        {"Subject, folded", "Subject: a\n b\n\tc", " subject=[a b\tc]"},
        {"Subject, raw", "Subject: =?utf-8?q?=C3=BC?= \xff", " subject=[=?utf-8?q?=C3=BC?= \xff]"},
        {"the last one counts", "Subject: a\nSUBJECT: b", " subject=[b]"},
        {"X-Originating-IP", "X-Originating-IP: [198.51.100.9]", " x_originating_ip=198.51.100.9"},
        {"X-Originating-IP without one", "X-Originating-IP: here", ""},
        {"X-Mailer", "X-Mailer: m", " user_agent=[m]"},
        {"User-Agent", "User-Agent: u", " user_agent=[u]"},
        {"X-User-Agent", "X-User-Agent: x", " user_agent=[x]"},
        {"any case", "sUbJeCt: s\nmessage-id: 1", " msg_id=[1] subject=[s]"},
        {"parts do not overwrite",
         "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\nSubject: no\nTo: no@no\n\n--b--",
         " subject=[s]"},
        {"nor do attached messages", "Subject: s\nContent-Type: message/rfc822\n\nSubject: no\nFrom: no@no",
         " subject=[s]"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const Recorder out = play(with_header(r.header));
        // user_agent stands behind last_reply.
        const std::size_t agent = std::min(r.fields.find(" user_agent"), r.fields.size());
        CHECK(out.texts() == Strings{before + r.fields.substr(0, agent) + after + r.fields.substr(agent)});
        CHECK(out.odd().empty());
    }
}

TEST_CASE("the way that a message came", "[records]") {
    struct Row {
        const char* name;
        std::string header;
        Host capture;
        std::string fields;  ///< first_received and so on
        std::string path;
    };
    const std::string ends = " path=203.0.113.25,198.51.100.7";
    const std::string two = "Received: from x ([8.8.8.8]) by y\nReceived: from z ([9.9.9.9]) by x";
    const std::string two_fields =
        " first_received=[from z ([9.9.9.9]) by x] second_received=[from x ([8.8.8.8]) by y]";
    const Row rows[] = {
        {"one", "Received: from x ([8.8.8.8])", Host::all, " first_received=[from x ([8.8.8.8])]", ends + ",8.8.8.8"},
        {"two", two, Host::all, two_fields, ends + ",8.8.8.8,9.9.9.9"},
        {"the second address of a field", "Received: from [7.7.7.7] ([8.8.8.8])", Host::all,
         " first_received=[from [7.7.7.7] ([8.8.8.8])]", ends + ",8.8.8.8"},
        {"none in it", "Received: by y", Host::all, " first_received=[by y]", ""},
        {"the same again", "Received: ([8.8.8.8])\nReceived: ([8.8.8.8])", Host::all,
         " first_received=[([8.8.8.8])] second_received=[([8.8.8.8])]", ends + ",8.8.8.8"},
        {"local hosts: it ends with the first that is not", two, Host::local, two_fields, ends + ",8.8.8.8"},
        {"no hosts", two, Host::none, two_fields, ends + ",8.8.8.8"},
        {"remote hosts", two, Host::remote, two_fields, ends + ",8.8.8.8,9.9.9.9"},
        {"remote hosts, and private ones all the same", "Received: ([10.1.1.1])\nReceived: ([9.9.9.9])", Host::remote,
         " first_received=[([9.9.9.9])] second_received=[([10.1.1.1])]", ends + ",10.1.1.1,9.9.9.9"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        EngineOptions options;
        options.analyzer.mail_path_capture = r.capture;
        CHECK(play(with_header(r.header), options).texts() == Strings{before + r.fields + after + r.path});
    }
}

TEST_CASE("transactions", "[records]") {
    struct Row {
        const char* name;
        Script script;
        Strings records, weirds;
    };
    const auto one = [](int depth, const std::string& name) {
        return std::to_string(depth) + " helo=[c] mailfrom=[a@" + name + "] rcptto=[b@" + name + "] subject=[" + name +
               "] last_reply=[250 queued " + name + "]";
    };
    const std::string no_mail = "smtp_mail_transaction_invalid: rcpt to missing mail from";
    const std::string no_rcpt = "smtp_mail_transaction_invalid: data missing rcpt to";
    const Row rows[] = {
        {"nothing", hello() + Script{C("QUIT"), S("221 bye")}, {}, {}},
        {"one mail", hello() + mail("x"), {one(1, "x")}, {}},
        {"two mails", hello() + mail("x") + mail("y"), {one(1, "x"), one(2, "y")}, {}},
        {"HELO, and another one",
         Script{S("220 s"), C("HELO first"), S("250 h"), C("EHLO c"), S("250 h")} + mail("x"),
         {one(1, "x")},
         {}},
        {"no HELO at all", {S("220 s"), C("MAIL FROM:<a@b>"), S("250 m")}, {"1 mailfrom=[a@b] last_reply=[250 m]"}, {}},
        {"a bounce",
         hello() + Script{C("MAIL FROM:<>\nRCPT TO:<c@d>"), S("250 m\n250 r")},
         {"1 helo=[c] rcptto=[c@d] last_reply=[250 r]"},
         {}},
        {"a recipient twice",
         hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<c@d>"), S("250 m\n250 r\n250 r")},
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d] last_reply=[250 r]"},
         {}},
        {"ORCPT",
         hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d> ORCPT=rfc822;e@f"), S("250 m\n250 r")},
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d|e@f] last_reply=[250 r]"},
         {}},
        {"a final reply of several lines: the last is kept",
         hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"), C("x\n."),
                          S("250-one\n250 two")},
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d] last_reply=[250 two]"},
         {}},
        {"the next MAIL before the final reply",
         hello() + Script{C("MAIL FROM:<a@x>\nRCPT TO:<b@x>\nDATA"), S("250 m\n250 r\n354 d"),
                          C("Subject: x\n\n.\nMAIL FROM:<a@y>\nRCPT TO:<b@y>\nDATA"),
                          S("250 queued x\n250 m\n250 r\n354 d"), C("Subject: y\n\n."), S("250 queued y")},
         {one(1, "x"), one(2, "y")},
         {}},
        {"a second MAIL that is refused",
         hello() + Script{C("MAIL FROM:<a@x>\nRCPT TO:<b@x>"), S("250 m\n250 r"), C("MAIL FROM:<no@no>"),
                          S("503 nested"), C("DATA"), S("354 d"), C("Subject: x\n\n."), S("250 queued x")},
         {one(1, "x")},
         {}},
        {"a second MAIL that is taken",
         hello() + Script{C("MAIL FROM:<a@b>"), S("250 m")} + mail("x"),
         {"1 helo=[c] mailfrom=[a@b] last_reply=[250 m]", one(1, "x")},
         {}},
        {"DATA refused, and the next message whole",
         hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n550 r\n554 no"), C("RSET"), S("250 r")} +
             mail("x"),
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d] last_reply=[250 r]", one(1, "x")},
         {}},
        {"a message refused",
         hello() +
             Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"), C("x\n."), S("550 spam")} +
             mail("x"),
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d] last_reply=[550 spam]", one(2, "x")},
         {}},
        {"RCPT without MAIL",
         hello() + Script{C("RCPT TO:<c@d>"), S("503 no")},
         {"1 helo=[c] rcptto=[c@d] last_reply=[503 no]"},
         {no_mail}},
        {"DATA without RCPT",
         hello() + Script{C("MAIL FROM:<a@b>\nDATA"), S("250 m\n503 no")},
         {"1 helo=[c] mailfrom=[a@b] last_reply=[503 no]"},
         {no_rcpt}},
        {"BDAT without RCPT",
         hello() + Script{C("MAIL FROM:<a@b>\nBDAT 0 LAST"), S("250 m\n503 no")},
         {"1 helo=[c] mailfrom=[a@b] last_reply=[503 no]"},
         {no_rcpt}},
        {"STARTTLS", hello() + Script{C("STARTTLS"), S("220 go")}, {"1 helo=[c] last_reply=[220 go] tls"}, {}},
        {"replies that are none",
         {S("what"), C("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("ever")},
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d]"},
         {}},
        {"cut off in the message",
         hello() +
             Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"), C("Subject: s\nFrom: f")},
         {"1 helo=[c] mailfrom=[a@b] rcptto=[c@d] from=[f] subject=[s] last_reply=[354 d]"},
         {}},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const Recorder out = play(r.script);
        CHECK(out.texts() == r.records);
        CHECK(out.odd() == r.weirds);
        CHECK(out.forgotten == std::vector<ConnId>{mail_id()});
    }
}

TEST_CASE("limits of a record", "[records]") {
    EngineOptions options;
    AnalyzerOptions& a = options.analyzer;
    a.max_rcptto_addresses = a.max_to_addresses = a.max_cc_addresses = 3;
    a.max_path_length = 4;
    const auto rcpts = [](int n) {
        return hello() + Script{C("MAIL FROM:<a@b>"), S("250 m"), C(count_of("RCPT TO:<", n))};
    };
    const std::string way = "Received: ([8.8.8.1])\nReceived: ([8.8.8.2])";
    struct Row {
        const char* name;
        Script script;
        Strings weirds;
    };
    const Row rows[] = {
        {"RCPT TO: as many", rcpts(3), {}},
        {"RCPT TO: one more", rcpts(4), {"smtp_too_many_rcptto_addresses"}},
        {"To: as many", with_header("To: a@a, b@b, c@c"), {}},
        {"To: one more", with_header("To: a@a, b@b, c@c, d@d"), {"smtp_too_many_to_addresses"}},
        {"Cc: one more", with_header("Cc: a@a, b@b\nCc: c@c, d@d"), {"smtp_too_many_cc_addresses"}},
        {"path: as long", with_header(way), {}},
        {"path: one more", with_header(way + "\nReceived: ([8.8.8.3])"), {"smtp_max_path_length_exceeded"}},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const Recorder out = play(r.script, options);
        REQUIRE(out.records.size() == 1);
        CHECK(out.odd() == r.weirds);
        std::size_t most = out.records[0].path.size() - 1;
        for (const auto& set : {out.records[0].rcptto, out.records[0].to, out.records[0].cc})
            if (set) most = std::max(most, set->size());
        CHECK(most == 3);
    }
    SECTION("none") {
        a.max_rcptto_addresses = options.limits.pending_commands = 0;
        const Recorder out = play(rcpts(5000), options);
        CHECK(out.records.at(0).rcptto->size() == 5000);
    }
}

TEST_CASE("invalid transactions, and too many of them", "[records]") {
    EngineOptions options;
    options.analyzer.max_invalid_mail_transactions = 2;
    const auto invalid = [](int n) { return hello() + Script{C(count_of("RCPT TO:<", n)), S("503 no")}; };
    const std::string first = "smtp_mail_transaction_invalid: rcpt to missing mail from";
    CHECK(play(invalid(2), options).odd() == Strings{first});
    CHECK(play(invalid(2), options).ignored.empty());

    const Recorder out = play(invalid(3), options);
    CHECK(out.odd() == Strings{first, "smtp_excessive_invalid_mail_transactions: 3 > 2"});
    REQUIRE(!out.ignored.empty());
    CHECK(out.ignored[0] == std::pair(mail_id(), Disposition::invalid_transactions));
    CHECK(out.texts() == Strings{"1 helo=[c] rcptto=[0@x|1@x|2@x] last_reply=[250 hello]"});

    options.analyzer.max_invalid_mail_transactions = 0;
    CHECK(play(invalid(100), options).odd() == Strings{first});
    options.analyzer.mail_transaction_validation = false;
    CHECK(play(invalid(100), options).odd().empty());
}

TEST_CASE("hooks", "[records]") {
    Strings seen;
    Hooks hooks;
    hooks.log_smtp = [&](const Info& rec) { seen.push_back("logged " + rec.mailfrom.value_or("-")); };
    hooks.finalize_smtp = [&](const ConnId& id, const State& state, Info* open) {
        CHECK(id == mail_id());
        seen.push_back("finalize " + std::to_string(state.messages_transferred) +
                       (open ? " " + open->mailfrom.value_or("-") : ""));
        if (open) open->subject = "from the hook";
    };
    const Script script = hello() + mail("x") + mail("y") + Script{C("MAIL FROM:<open@z>"), S("250 m")};
    SECTION("change") {
        hooks.log_policy = [](Info& rec) {
            rec.mailfrom = "changed";
            return true;
        };
        const Recorder out = play(script, {}, hooks);
        CHECK(seen == Strings{"logged changed", "logged changed", "finalize 2 open@z", "logged changed"});
        REQUIRE(out.records.size() == 3);
        CHECK(out.records[0].mailfrom == "changed");
        CHECK(out.records[2].subject == "from the hook");
    }
    SECTION("veto") {
        hooks.log_policy = [](Info& rec) { return rec.mailfrom != "a@x"; };
        Recorder out;
        Engine engine({}, out, nullptr, hooks);
        for (const Sent& s : segments(script)) send(engine, s);
        engine.finish();
        CHECK(seen == Strings{"logged a@y", "finalize 2 open@z", "logged open@z"});
        CHECK(out.records.size() == 2);
        CHECK(engine.stats().smtp_records == 2);
        CHECK(engine.stats().vetoed_records == 1);
    }
}

TEST_CASE("a final reply of several lines answers one message", "[records]") {
    const Recorder out = play(
        hello() +
        Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"), C("x\n."), S("250-one\n250 two")} +
        mail("x"));
    REQUIRE(out.records.size() == 2);
    CHECK(out.records[1].trans_depth == 2);
}
