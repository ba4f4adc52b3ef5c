// SPDX-License-Identifier: BSD-3-Clause
// BDAT, AUTH, STARTTLS and TURN.
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

void check(const Row& r) {
    INFO(r.name);
    CHECK(analyze(r.script) == r.events);
    CHECK(analyze(r.script, 1) == r.events);
}

Turn bytes(std::string octets) {
    return raw(Side::orig, std::move(octets));
}

}  // namespace

TEST_CASE("SMTP: BDAT", "[smtp]") {
    const std::string no_number = "weird smtp_invalid_bdat_command: BDAT not followed by a valid chunk-size (SMTP)";
    const Row rows[] = {
        {"one chunk",
         {bytes("BDAT 10 LAST\r\nSubject\r\n\r\nQUIT\r\n"), S("220 s\n250 q\n221 b")},
         {"> BDAT 10 LAST final", "begin", "| Subject", "|~ \r", "end", "> QUIT", "< 220 s (>)",
          "< 250 q (BDAT 10 LAST final)", "< 221 b (QUIT)"}},
        {"one chunk, and no end of its last line",
         {bytes("BDAT 12 LAST\r\nSubject\r\n\r\nxQUIT\r\n")},
         {"> BDAT 12 LAST final", "begin", "| Subject", "| ", "|~ x", "end", "> QUIT"}},
        {"nothing at all", {bytes("BDAT 0 LAST\r\nQUIT\r\n")}, {"> BDAT 0 LAST final", "begin", "end", "> QUIT"}},
        {"an end of no octets",
         {bytes("BDAT 3\r\na\r\nBDAT 0 LAST\r\n"), S("220 s\n250 1\n250 2")},
         {"> BDAT 3", "begin", "| a", "> BDAT 0 LAST final", "end", "< 220 s (>)", "< 250 1 (BDAT 3)",
          "< 250 2 (BDAT 0 LAST final)"}},
        {"chunks that end within lines and line ends",
         {bytes("BDAT 2\r\nabBDAT 2\r\nc\rBDAT 3\r\n\ndeBDAT 1 LAST\r\nf")},
         {"> BDAT 2", "begin", "> BDAT 2", "> BDAT 3", "| abc", "> BDAT 1 LAST final", "|~ def", "end"}},
        {"dots are content",
         {bytes("BDAT 9 LAST\r\n.\r\n..\r\n.a")},
         {"> BDAT 9 LAST final", "begin", "| .", "| ..", "|~ .a", "end"}},
        {"commands are content",
         {bytes("BDAT 12 LAST\r\nRSET\r\nQUIT\r\nQUIT\r\n")},
         {"> BDAT 12 LAST final", "begin", "| RSET", "| QUIT", "end", "> QUIT"}},
        {"lower case", {bytes("bdat 1 last\r\na")}, {"> BDAT 1 last final", "begin", "|~ a", "end"}},
        {"refused: the octets come all the same",
         {bytes("BDAT 4 LAST\r\n"), S("220 s\n503 no"), bytes("MAILQUIT\r\n"), S("221 b")},
         {"> BDAT 4 LAST final", "begin", "< 220 s (>)", "< 503 no (BDAT 4 LAST final)", "|~ MAIL", "end", "> QUIT",
          "< 221 b (QUIT)"}},
        {"RSET in between",
         {bytes("BDAT 1\r\naRSET\r\nMAIL FROM:<a@b>\r\n"), S("220 s\n250 1\n250 r\n250 m")},
         {"> BDAT 1", "begin", "> RSET", "weird smtp_missing_bdat_last_chunk (SMTP)", "|~ a", "end",
          "> MAIL FROM:<a@b>", "< 220 s (>)", "< 250 1 (BDAT 1)", "< 250 r (RSET)", "< 250 m (MAIL FROM:<a@b>)"}},
        {"DATA in between",
         {bytes("BDAT 1\r\naDATA\r\nb\r\n.\r\n")},
         {"> BDAT 1", "begin", "> DATA", "weird smtp_missing_bdat_last_chunk (SMTP)", "|~ a", "end", "begin", "| b",
          "end", "> . final"}},
        {"no LAST before the end", {bytes("BDAT 1\r\na")}, {"> BDAT 1", "begin", "end"}},
        {"cut off within a chunk", {bytes("BDAT 9 LAST\r\na\r\nb")}, {"> BDAT 9 LAST final", "begin", "| a", "end"}},
        {"no number", {bytes("BDAT x\r\nQUIT\r\n")}, {"> BDAT x", no_number, "> QUIT"}},
        {"a negative number, which is LAST to look at",
         {bytes("BDAT -1 LAST\r\nQUIT\r\n")},
         {"> BDAT -1 LAST final", no_number, "> QUIT"}},
        {"no argument",
         {bytes("BDAT\r\nQUIT\r\n")},
         {"> BDAT", "weird smtp_invalid_bdat_command: BDAT argument bad length (SMTP)", "> QUIT"}},
        {"larger than any file",
         {bytes("BDAT 9223372036854775808\r\nQUIT\r\n")},
         {"> BDAT 9223372036854775808", "weird smtp_huge_bdat_chunk: 9223372036854775808 (SMTP)", "> QUIT"}},
        {"the largest that is taken",
         {bytes("BDAT 9223372036854775807\r\nQUIT\r\n")},
         {"> BDAT 9223372036854775807", "begin", "| QUIT", "end"}},
        {"invalid within a message",
         {bytes("BDAT 1\r\naBDAT x\r\nBDAT 1 LAST\r\nb")},
         {"> BDAT 1", "begin", "> BDAT x", no_number, "> BDAT 1 LAST final", "|~ ab", "end"}},
        {"the size line ends with LF",
         {bytes("BDAT 1 LAST\naQUIT\n")},
         {"> BDAT 1 LAST final", "begin", "|~ a", "end", "> QUIT"}},
    };
    for (const Row& r : rows) check(r);
}

TEST_CASE("SMTP: AUTH dialogues, and no secret in any event", "[smtp]") {
    const std::string secret = "c2VjcmV0";
    const Row rows[] = {
        {"LOGIN",
         {S("220 s"), C("AUTH LOGIN"), S("334 VXNlcm5hbWU6"), C("dXNlcg=="), S("334 UGFzc3dvcmQ6"), C(secret),
          S("235 ok"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> AUTH LOGIN", "< 334 VXNlcm5hbWU6 (AUTH LOGIN)", "> *** as user", "< 334 UGFzc3dvcmQ6 (***)",
          "> *** as user", "< 235 ok (***)", "> QUIT", "< 221 b (QUIT)"}},
        {"PLAIN in two steps",
         {S("220 s"), C("AUTH PLAIN"), S("334"), C(secret), S("535 no"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> AUTH PLAIN", "< 334  (AUTH PLAIN)", "> ***", "< 535 no (***)", "> QUIT", "< 221 b (QUIT)"}},
        {"CRAM-MD5",
         {S("220 s"), C("AUTH CRAM-MD5"), S("334 PDEyMw=="), C(secret), S("235 ok")},
         {"< 220 s (>)", "> AUTH CRAM-MD5", "< 334 PDEyMw== (AUTH CRAM-MD5)", "> ***", "< 235 ok (***)"}},
        {"given up by the client",
         {S("220 s"), C("AUTH LOGIN"), S("334 VXNlcm5hbWU6"), C("*"), S("501 cancelled"), C("RSET"), S("250 r")},
         {"< 220 s (>)", "> AUTH LOGIN", "< 334 VXNlcm5hbWU6 (AUTH LOGIN)", "> ***", "< 501 cancelled (***)", "> RSET",
          "< 250 r (RSET)"}},
        {"an empty answer, after XOAUTH2 failed",
         {S("220 s"), C("AUTH XOAUTH2"), S("334"), C(secret), S("334 eyJzdGF0dXMi"), C(""), S("535 no")},
         {"< 220 s (>)", "> AUTH XOAUTH2", "< 334  (AUTH XOAUTH2)", "> ***", "< 334 eyJzdGF0dXMi (***)", "> ***",
          "< 535 no (***)"}},
        {"an answer that looks like a command",
         {S("220 s"), C("AUTH LOGIN"), S("334 x"), C("DATA " + secret), S("334 y"), C("MAIL"), S("235 ok"), C("NOOP"),
          S("250 n")},
         {"< 220 s (>)", "> AUTH LOGIN", "< 334 x (AUTH LOGIN)", "> ***", "< 334 y (***)", "> ***", "< 235 ok (***)",
          "> NOOP", "< 250 n (NOOP)"}},
        {"refused",
         {S("220 s"), C("AUTH LOGIN"), S("503 no"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> AUTH LOGIN", "< 503 no (AUTH LOGIN)", "> QUIT", "< 221 b (QUIT)"}},
        {"a secret that did not wait for the 334",
         {S("220 s"), C("AUTH LOGIN\n" + secret + "\n" + secret), S("334 x\n334 y\n235 ok"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> AUTH LOGIN", "! orig unknown command", "> (UNKNOWN)", "! orig unknown command",
          "> (UNKNOWN)", "< 334 x (AUTH LOGIN)", "< 334 y ((UNKNOWN))", "< 235 ok ((UNKNOWN))", "> QUIT",
          "< 221 b (QUIT)"}},
        {"PLAIN at once",
         {S("220 s"), C("AUTH PLAIN " + secret + "\nauth plain\t" + secret), S("235 ok\n503 no")},
         {"< 220 s (>)", "> AUTH PLAIN", "> AUTH PLAIN", "< 235 ok (AUTH PLAIN)", "< 503 no (AUTH PLAIN)"}},
    };
    for (const Row& r : rows) {
        check(r);
        for (const std::string& e : analyze(r.script)) CHECK(e.find(secret) == e.npos);
    }
}

TEST_CASE("SMTP: STARTTLS and TURN", "[smtp]") {
    const Row rows[] = {
        {"STARTTLS",
         {S("220 s"), C("STARTTLS"), S("220 go"), bytes("\x16\x03\x01 QUIT\r\n"), S("250 x")},
         {"< 220 s (>)", "> STARTTLS", "< 220 go (STARTTLS)", "starttls"}},
        {"STARTTLS, a reply of several lines",
         {S("220 s"), C("STARTTLS"), S("220-go\n220 on"), C("QUIT")},
         {"< 220 s (>)", "> STARTTLS", "<- 220 go (STARTTLS)", "< 220 on (STARTTLS)", "starttls"}},
        {"STARTTLS refused",
         {S("220 s"), C("STARTTLS"), S("454 no"), C("QUIT"), S("221 b")},
         {"< 220 s (>)", "> STARTTLS", "< 454 no (STARTTLS)", "> QUIT", "< 221 b (QUIT)"}},
        {"X-ANONYMOUSTLS",
         {S("220 s"), C("X-ANONYMOUSTLS"), S("220 go"), C("QUIT")},
         {"< 220 s (>)", "> X-ANONYMOUSTLS", "< 220 go (X-ANONYMOUSTLS)", "starttls"}},
        {"X-ANONYMOUSTLS refused",
         {S("220 s"), C("X-ANONYMOUSTLS"), S("500 what"), C("QUIT")},
         {"< 220 s (>)", "> X-ANONYMOUSTLS", "< 500 what (X-ANONYMOUSTLS)", "> QUIT"}},
        {"a 220 to another command is no STARTTLS",
         {S("220 s"), C("NOOP\nSTARTTLS"), S("220 x"), C("QUIT")},
         {"< 220 s (>)", "> NOOP", "> STARTTLS", "< 220 x (NOOP)", "> QUIT"}},
        {"TURN",
         {S("220 s"), C("TURN"), S("250 ok"), C("220 c ready"), S("HELO s"), C("250 h"), S("DATA"), C("354 d"),
          S("text\n."), C("250 q")},
         {"< 220 s (>)", "> TURN", "< 250 ok (TURN)", "< 220 c ready ((UNKNOWN))", "> HELO s", "< 250 h (HELO s)",
          "> DATA", "begin", "< 354 d (DATA)", "| text", "end", "> . final", "< 250 q (. final)"}},
        {"TURN refused",
         {S("220 s"), C("TURN"), S("502 no"), C("NOOP"), S("250 n")},
         {"< 220 s (>)", "> TURN", "< 502 no (TURN)", "> NOOP", "< 250 n (NOOP)"}},
        {"TURN, and a side for each oddity",
         {S("220 s"), C("TURN"), S("250 ok"), C("what"), S("what")},
         {"< 220 s (>)", "> TURN", "< 250 ok (TURN)", "! orig reply code out of range: what", "! resp unknown command",
          "> (UNKNOWN)"}},
    };
    for (const Row& r : rows) check(r);
}
