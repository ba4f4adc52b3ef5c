// SPDX-License-Identifier: BSD-3-Clause
// Lost bytes: what each state does about them, and how the analysis recovers.
#include <algorithm>
#include <string>

#include "catch.h"
#include "support_smtp.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

using Events = std::vector<std::string>;

struct Row {
    const char* name;
    Script script;
    Events events;
};

constexpr Side client = Side::orig, server = Side::resp;

void check(const Row& r) {
    INFO(r.name);
    CHECK(analyze(r.script) == r.events);
    CHECK(analyze(r.script, 1) == r.events);
}

}  // namespace

TEST_CASE("SMTP: bytes of the client are lost", "[smtp]") {
    const Script open = {S("220 s"), C("MAIL FROM:<a@b>"), S("250 m"), C("RCPT TO:<c@d>"), S("250 r")};
    const Script data = open + Script{C("DATA"), S("354 d")};
    const Row rows[] = {
        {"a command, and then another one",
         {S("220 s"), lost(client, 8), S("250 h"), C("MAIL FROM:<a@b>"), S("250 m")},
         {"< 220 s (>)", "! orig content gap: 8", "< 250 h ((UNKNOWN))", "> MAIL FROM:<a@b>",
          "< 250 m (MAIL FROM:<a@b>)"}},
        {"the end of a command",
         {S("220 s"), raw(client, "EHL"), lost(client, 5), S("250 h"), C("NOOP"), S("250 n")},
         {"< 220 s (>)", "! orig content gap: 5", "< 250 h ((UNKNOWN))", "< 250 n ((UNKNOWN))"}},
        {"several commands, of which the last are seen",
         {S("220 s"), C("EHLO c"), S("250 h"), lost(client, 40), C("RCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"),
          C("text\n."), S("250 q")},
         {"< 220 s (>)", "> EHLO c", "< 250 h (EHLO c)", "! orig content gap: 40", "commands lost", "> RCPT TO:<c@d>",
          "> DATA", "begin", "< 250 m (RCPT TO:<c@d>)", "< 250 r ((UNKNOWN))", "< 354 d (DATA)", "| text", "end",
          "> . final", "< 250 q (. final)"}},
        {"DATA",
         open + Script{lost(client, 6), S("354 d"), C("text\n."), S("250 q"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "! orig content gap: 6", "< 354 d ((UNKNOWN))", "DATA lost", "begin", "| text", "end", "> . final",
          "< 250 q (. final)", "> QUIT", "< 221 b (QUIT)"}},
        {"DATA and content",
         open + Script{lost(client, 6), S("354 d"), lost(client, 10), C("ext\n."), S("250 q")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "! orig content gap: 6", "< 354 d ((UNKNOWN))", "DATA lost", "begin", "! orig content gap: 10", "gap 10",
          "| ext", "end", "> . final", "< 250 q (. final)"}},
        {"content",
         data + Script{C("one"), lost(client, 10), C("two\nQUIT\n."), S("250 q"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "> DATA", "begin", "< 354 d (DATA)", "| one", "! orig content gap: 10", "gap 10", "| two", "| QUIT", "end",
          "> . final", "< 250 q (. final)", "> QUIT", "< 221 b (QUIT)"}},
        {"the end of the content",
         data + Script{C("one"), lost(client, 10), S("250 q"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "> DATA", "begin", "< 354 d (DATA)", "| one", "! orig content gap: 10", "gap 7", "end", "> . final",
          "< 250 q (. final)", "> QUIT", "< 221 b (QUIT)"}},
        {"within a line that looks like a command",
         data + Script{C("one"), lost(client, 10), C("QUIT\nmore\n."), S("250 q")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "> DATA", "begin", "< 354 d (DATA)", "| one", "! orig content gap: 10", "gap 10", "| QUIT", "| more", "end",
          "> . final", "< 250 q (. final)"}},
        {"within a chunk",
         open + Script{C("BDAT 20 LAST"), lost(client, 10), raw(client, "0123456789QUIT\r\n"), S("250 q\n221 b")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "> BDAT 20 LAST final", "begin", "! orig content gap: 10", "weird smtp_bdat_remaining_at_end_data (SMTP)",
          "gap 10", "|~ 0123456789", "end", "> QUIT", "< 250 q (BDAT 20 LAST final)", "< 221 b (QUIT)"}},
        {"the end of a chunk and more",
         open +
             Script{raw(client, "BDAT 20 LAST\r\n01234"), lost(client, 21), S("250 q\n221 b"), C("NOOP"), S("250 n")},
         {"< 220 s (>)", "> MAIL FROM:<a@b>", "< 250 m (MAIL FROM:<a@b>)", "> RCPT TO:<c@d>", "< 250 r (RCPT TO:<c@d>)",
          "> BDAT 20 LAST final", "begin", "! orig content gap: 21", "weird smtp_bdat_remaining_at_end_data (SMTP)",
          "weird smtp_bdat_undelivered_at_done (SMTP_BDAT)", "|~ 01234", "gap 15", "end",
          "< 250 q (BDAT 20 LAST final)", "< 221 b ((UNKNOWN))", "< 250 n ((UNKNOWN))"}},
        {"an answer of AUTH",
         {S("220 s"), C("AUTH LOGIN"), S("334 x"), lost(client, 10), S("334 y"), C("c2VjcmV0"), S("235 ok"), C("NOOP"),
          S("250 n")},
         {"< 220 s (>)", "> AUTH LOGIN", "< 334 x (AUTH LOGIN)", "! orig content gap: 10", "< 334 y ((UNKNOWN))",
          "< 235 ok ((UNKNOWN))", "< 250 n ((UNKNOWN))"}},
        {"the beginning of the session",
         {lost(client, 0), lost(server, 0), C("RCPT TO:<c@d>"), S("250 r"), C("DATA"), S("354 d"), C("x\n."),
          S("250 q")},
         {"! orig content gap: 0", "! resp content gap: 0", "commands lost", "> RCPT TO:<c@d>", "? >",
          "< 250 r (RCPT TO:<c@d>)", "> DATA", "begin", "< 354 d (DATA)", "| x", "end", "> . final",
          "< 250 q (. final)"}},
        {"the beginning of the session, in a message",
         {lost(client, 0), lost(server, 0), C("some text\nof a mail\n."), S("250 q"), C("QUIT"), S("221 b")},
         {"! orig content gap: 0", "! resp content gap: 0", "< 250 q (>)", "commands lost", "> QUIT",
          "< 221 b (QUIT)"}},
    };
    for (const Row& r : rows) check(r);
}

TEST_CASE("SMTP: bytes of the server are lost", "[smtp]") {
    const Row rows[] = {
        {"a reply",
         {S("220 s"), C("EHLO c"), lost(server, 7), C("MAIL FROM:<a@b>"), S("250 m"), C("NOOP"), S("250 n")},
         {"< 220 s (>)", "> EHLO c", "! resp content gap: 7", "> MAIL FROM:<a@b>", "? EHLO c",
          "< 250 m (MAIL FROM:<a@b>)", "> NOOP", "< 250 n (NOOP)"}},
        {"the greeting",
         {lost(server, 7), C("EHLO c"), S("250 h")},
         {"! resp content gap: 7", "> EHLO c", "? >", "< 250 h (EHLO c)"}},
        {"the end of a reply",
         {S("220 s"), C("EHLO c"), raw(server, "250-s\r\n250 E"), lost(server, 7), C("NOOP"), S("250 n")},
         {"< 220 s (>)", "> EHLO c", "<- 250 s (EHLO c)", "! resp content gap: 7", "? EHLO c", "> NOOP",
          "< 250 n (NOOP)"}},
        {"one of several replies",
         {S("220 s"), C("EHLO c\nMAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 h"), lost(server, 7), S("250 r"), C("NOOP"),
          S("250 n")},
         {"< 220 s (>)", "> EHLO c", "> MAIL FROM:<a@b>", "> RCPT TO:<c@d>", "< 250 h (EHLO c)",
          "! resp content gap: 7", "< 250 r (MAIL FROM:<a@b>)", "> NOOP", "? RCPT TO:<c@d>", "< 250 n (NOOP)"}},
        {"the 354",
         {S("220 s"), C("DATA"), lost(server, 7), C("text\n."), S("250 q"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> DATA", "begin", "! resp content gap: 7", "| text", "end", "> . final", "? DATA",
          "< 250 q (. final)", "> QUIT", "< 221 b (QUIT)"}},
        {"the refusal of DATA",
         {S("220 s"), C("DATA"), lost(server, 7), C("RSET"), S("250 r"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> DATA", "begin", "! resp content gap: 7", "end", "> RSET", "? DATA", "< 250 r (RSET)",
          "> QUIT", "< 221 b (QUIT)"}},
        {"the final reply",
         {S("220 s"), C("DATA"), S("354 d"), C("text\n."), lost(server, 7), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> DATA", "begin", "< 354 d (DATA)", "| text", "end", "> . final", "! resp content gap: 7",
          "> QUIT", "? . final", "< 221 b (QUIT)"}},
        {"all from here on",
         {S("220 s"), C("EHLO c"), lost(server, 7), C("MAIL FROM:<a@b>\nDATA\nx\n.")},
         {"< 220 s (>)", "> EHLO c", "! resp content gap: 7", "> MAIL FROM:<a@b>", "> DATA", "begin", "| x", "end",
          "> . final"}},
    };
    for (const Row& r : rows) check(r);
}

TEST_CASE("SMTP: the end of a message is lost, and its reply is not", "[smtp]") {
    // The client sent the next MAIL without waiting (RFC 2920). Had the reply been lost, a gap would have said so.
    const Events events = analyze(
        {S("220 s"), C("DATA"), S("354 d"), C("one"), lost(client, 10), C("MAIL FROM:<e@f>"), S("250 q\n250 m")});
    CHECK(std::find(events.begin(), events.end(), "< 250 q (. final)") != events.end());
    CHECK(std::find(events.begin(), events.end(), "< 250 m (MAIL FROM:<e@f>)") != events.end());
}

TEST_CASE("SMTP: the reply to STARTTLS is lost, and the client speaks TLS", "[smtp]") {
    const Events events = analyze({S("220 s"), C("STARTTLS"), lost(server, 7), raw(client, "\x16\x03\x01\x02\r\n")});
    CHECK(events.back() == "starttls");
}

TEST_CASE("SMTP: CRs before a handshake end lines, wherever the stream is cut", "[smtp]") {
    const Script script = {S("220 s"), C("EHLO c"), S("250 h"), lost(client, 7), raw(server, "\r\r\r\x16\x03\x03")};
    const Events whole = analyze(script);
    CHECK(whole.back() == "starttls");
    CHECK(analyze(script, 1) == whole);
}
