// SPDX-License-Identifier: BSD-3-Clause
// The line for people: of records as they may be, and of sessions as they happen.
#include <functional>
#include <string>

#include "base/utf8.h"
#include "catch.h"
#include "smtpscope/records.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

using Strings = std::vector<std::string>;

std::string times(std::size_t n, const std::string& text) {
    std::string out;
    for (; n > 0; --n) out += text;
    return out;
}

Strings described(const Script& script) {
    Strings all;
    for (const Info& rec : play(script).records) all.push_back(describe(rec));
    return all;
}

const Script content{C("Subject: s\n\nbody\n.")};
const Script envelope{C("MAIL FROM:<a@b>"), S("250 ok"), C("RCPT TO:<c@d>"), S("250 ok")};
const Script quit{C("QUIT"), S("221 2.0.0 bye")};

}  // namespace

TEST_CASE("a record in one line", "[records]") {
    struct Row {
        std::string out;
        const char* from;
        Strings to;
        const char* subject;
        std::function<void(Info&)> more = [](Info&) {};
    };
    const Row rows[] = {
        {"a@b -> c@d", "a@b", {"c@d"}, nullptr},
        {"a@b -> c@d", "a@b", {"c@d"}, ""},
        {"a@b -> c@d: hello", "a@b", {"c@d"}, "hello"},
        {"a@b -> c@d (plus 1 others): hello", "a@b", {"c@d", "e@f"}, "hello"},
        {"a@b -> c@d (plus 2 others)", "a@b", {"c@d", "e@f", "g@h"}, nullptr},
        {"a@b -> (no recipient)", "a@b", {}, nullptr},
        {"a@b -> ?", "a@b", {}, nullptr, [](Info& r) { r.recipients = 1; }},
        {"<> -> c@d", nullptr, {"c@d"}, nullptr, [](Info& r) { r.null_sender = true; }},
        {"? -> c@d: hello", nullptr, {"c@d"}, "hello"},
        {"session without sender and recipient", nullptr, {}, nullptr},
        {"session without sender and recipient, helo h, last reply 221 bye",
         nullptr,
         {},
         nullptr,
         [](Info& r) {
             r.helo = "h";
             r.last_reply = "221 bye";
         }},
        {"encrypted session (STARTTLS), no envelope seen, helo h",
         nullptr,
         {},
         nullptr,
         [](Info& r) {
             r.tls = true;
             r.helo = "h";
             r.last_reply = "220 go on";
         }},
        // Problems come before the subject, which can neither fake them nor push them out of sight.
        {"a@b -> c@d REFUSED 554 5.7.1: hello",
         "a@b",
         {"c@d"},
         "hello",
         [](Info& r) {
             r.rejection = {554, "5.7.1"};
         }},
        {"a@b -> c@d (plus 1 others) REFUSED 550 (1 of 2) ABORTED",
         "a@b",
         {"c@d", "e@f"},
         nullptr,
         [](Info& r) {
             r.rejection = {550, ""};
             r.recipients = 2;
             r.rejected_recipients = 1;
             r.aborted = true;
         }},
        {"a@b -> c@d (plus 1 others) REFUSED 554",
         "a@b",
         {"c@d", "e@f"},
         nullptr,
         [](Info& r) {
             r.rejection = {554, ""};
             r.recipients = 2;
             r.rejected_recipients = 1;
             r.refused_whole = true;
         }},
        {"a@b -> c@d [38.0 KiB missed] [incomplete]: hello",
         "a@b",
         {"c@d"},
         "hello",
         [](Info& r) {
             r.missed_bytes = 38 << 10;
             r.incomplete = "timeout";
         }},
        {"a@b -> (no recipient) REFUSED 530 5.7.0 [encrypted from here on]",
         "a@b",
         {},
         nullptr,
         [](Info& r) {
             r.rejection = {530, "5.7.0"};
             r.tls = true;
         }},
        {"a@b -> c@d: Gr\u00fc\u00dfe", "a@b", {"c@d"}, "=?utf-8?b?R3LDvMOfZQ==?="},
        {"a@b -> c@d: decoded", "a@b", {"c@d"}, "raw", [](Info& r) { r.subject_decoded = "decoded"; }},
    };
    for (const Row& r : rows) {
        Info rec;
        if (r.from) rec.mailfrom = r.from;
        if (r.subject) rec.subject = r.subject;
        for (const std::string& to : r.to) {
            if (!rec.rcptto) rec.rcptto.emplace();
            rec.rcptto->insert(to);
        }
        r.more(rec);
        CHECK(describe(rec) == r.out);
    }
}

TEST_CASE("the subject in one line is cut at 80 columns, between characters", "[records]") {
    struct Row {
        const char* name;
        std::string subject, out;
    };
    const std::string wide = "\u6f22", umlaut = "\u00fc", accent = "\u0301";
    const Row rows[] = {
        {"80 letters", times(80, "x"), times(80, "x")},
        {"81 letters", times(81, "x"), times(80, "x") + "..."},
        {"two bytes each", times(81, umlaut), times(80, umlaut) + "..."},
        {"two columns each", times(41, wide), times(40, wide) + "..."},
        {"half a wide character does not fit", "x" + times(40, wide), "x" + times(39, wide) + "..."},
        {"what is drawn upon the last one stays", times(80, "x") + accent, times(80, "x") + accent},
        {"encoded words are decoded before", "=?utf-8?q?" + times(81, "=C3=BC") + "?=", times(80, umlaut) + "..."},
        {"a byte that is not to be seen takes four columns", times(76, "x") + "\x1bx", times(76, "x") + "\x1b..."},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Info rec;
        rec.mailfrom = "a@b";
        rec.subject = r.subject;
        CHECK(describe(rec) == "a@b -> (no recipient): " + r.out);
    }
    CHECK(fitting("\xff\xff", 7) == "\xff");
    CHECK(fitting("\u202e", 11).empty());
    CHECK(fitting("", 0).empty());
}

TEST_CASE("sessions in one line each, with what became of them", "[records]") {
    struct Row {
        const char* name;
        Script script;
        Strings out;
    };
    const Script two = Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>")};
    const std::string pair = "a@b -> c@d (plus 1 others)";
    const Row rows[] = {
        {"accepted", mail("x") + quit, {"a@x -> b@x: x"}},
        {"MAIL refused",
         Script{C("MAIL FROM:<a@b>"), S("554 5.7.1 no")} + quit,
         {"a@b -> (no recipient) REFUSED 554 5.7.1"}},
        {"MAIL accepted, nothing after",
         Script{C("MAIL FROM:<a@b>"), S("250 ok")} + quit,
         {"a@b -> (no recipient) ABORTED"}},
        {"MAIL accepted, hung up", Script{C("MAIL FROM:<a@b>"), S("250 ok")}, {"a@b -> (no recipient) ABORTED"}},
        {"from nobody",
         Script{C("MAIL FROM:<>\nRCPT TO:<c@d>"), S("250 ok\n550 5.1.1 who")} + quit,
         {"<> -> c@d REFUSED 550 5.1.1 (1 of 1)"}},
        {"no recipient accepted, DATA refused for that",
         two + Script{S("250 ok\n550 5.1.1 who\n450 4.2.0 later")} +
             Script{C("DATA"), S("554 5.5.1 no valid recipients")} + quit,
         {pair + " REFUSED 450 4.2.0 (2 of 2)"}},
        {"one of two, message accepted",
         two + Script{S("250 ok\n550 5.1.1 who\n250 ok"), C("DATA"), S("354 go")} + content +
             Script{S("250 2.0.0 queued")} + quit,
         {pair + " REFUSED 550 5.1.1 (1 of 2): s"}},
        {"one of two, message refused",
         two + Script{S("250 ok\n550 5.1.1 who\n250 ok"), C("DATA"), S("354 go")} + content +
             Script{S("554 5.7.1 spam")} + quit,
         {pair + " REFUSED 554 5.7.1: s"}},
        {"one of two, DATA refused",
         two + Script{S("250 ok\n550 5.1.1 who\n250 ok"), C("DATA"), S("451 4.3.0 later")} + quit,
         {pair + " REFUSED 451 4.3.0"}},
        {"one of two, then given up",
         two + Script{S("250 ok\n550 5.1.1 who\n250 ok")} + quit,
         {pair + " REFUSED 550 5.1.1 (1 of 2) ABORTED"}},
        {"DATA refused", envelope + Script{C("DATA"), S("451 4.3.0 later")} + quit, {"a@b -> c@d REFUSED 451 4.3.0"}},
        {"DATA refused, then accepted",
         envelope + Script{C("DATA"), S("451 later"), C("DATA"), S("354 go")} + content + Script{S("250 ok")},
         {"a@b -> c@d: s"}},
        {"a chunk refused",
         envelope + Script{C("BDAT 3 LAST\nabc"), S("552 5.3.4 too big")} + quit,
         {"a@b -> c@d REFUSED 552 5.3.4"}},
        {"RSET", envelope + Script{C("RSET"), S("250 ok")} + quit, {"a@b -> c@d ABORTED"}},
        {"another MAIL instead", envelope + mail("x"), {"a@b -> c@d ABORTED", "a@x -> b@x: x"}},
        {"hung up within the message",
         envelope + Script{C("DATA"), S("354 go"), C("Subject: s\n\nbody")},
         {"a@b -> c@d ABORTED: s"}},
        {"a second MAIL refused, which changes nothing",
         envelope + Script{C("MAIL FROM:<x@y>"), S("503 5.5.1 nested"), C("DATA"), S("354 go")} + content +
             Script{S("250 ok")},
         {"a@b -> c@d: s"}},
        {"the final reply is lost",
         envelope + Script{C("DATA"), S("354 go")} + content + Script{lost(Side::resp, 8)} + quit,
         {"a@b -> c@d [8 B missed]: s"}},
        {"STARTTLS after a refusal",
         Script{C("MAIL FROM:<a@b>"), S("530 5.7.0 STARTTLS first"), C("STARTTLS"), S("220 go")},
         {"a@b -> (no recipient) REFUSED 530 5.7.0 [encrypted from here on]"}},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        CHECK(described(hello() + r.script) == r.out);
    }
    CHECK(described({C("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nSubject: s\n\nx\n.\nQUIT")}) ==
          Strings{"a@b -> c@d: s"});  // nothing is said where one side alone was seen
}

TEST_CASE("LMTP: a refusal for each recipient, in one line", "[records]") {
    for (const char* replies : {"552 5.2.2 full\n250 2.0.0 ok", "250 2.0.0 ok\n552 5.2.2 full"}) {
        const Script script{S("220 s"),
                            C("LHLO c"),
                            S("250 s"),
                            C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA"),
                            S("250 m\n250 r\n250 r\n354 go"),
                            content[0],
                            S(replies)};
        CHECK(described(script) == Strings{"a@b -> c@d (plus 1 others) REFUSED 552 5.2.2 (1 of 2): s"});
    }
}
