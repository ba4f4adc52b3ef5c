// SPDX-License-Identifier: BSD-3-Clause
// Commands, replies and the argument of BDAT, a line at a time.
#include <string>

#include "catch.h"
#include "smtp/protocol.h"

using namespace smtpscope::smtp;
using namespace std::string_literals;

TEST_CASE("command lines", "[smtp]") {
    struct Row {
        std::string line, name, word, arg;
    };
    const Row rows[] = {
        {"MAIL FROM:<a@b>", "MAIL", "MAIL", "FROM:<a@b>"},
        {"mail from:<a@b>", "MAIL", "mail", "from:<a@b>"},
        {"mAiL\tFROM:<a@b>", "MAIL", "mAiL", "FROM:<a@b>"},
        {"RCPT  TO:<c@d> ", "RCPT", "RCPT", "TO:<c@d> "},
        {"EHLO [192.0.2.1]", "EHLO", "EHLO", "[192.0.2.1]"},
        {"HELO", "HELO", "HELO", ""},
        {"HELO ", "HELO", "HELO", ""},
        {"DATA", "DATA", "DATA", ""},
        {"BDAT 86 LAST", "BDAT", "BDAT", "86 LAST"},
        {"RSET", "RSET", "RSET", ""},
        {"NOOP anything", "NOOP", "NOOP", "anything"},
        {"VRFY x", "VRFY", "VRFY", "x"},
        {"EXPN x", "EXPN", "EXPN", "x"},
        {"HELP", "HELP", "HELP", ""},
        {"ETRN x", "ETRN", "ETRN", "x"},
        {"TURN", "TURN", "TURN", ""},
        {"SEND x", "SEND", "SEND", "x"},
        {"SOML x", "SOML", "SOML", "x"},
        {"SAML x", "SAML", "SAML", "x"},
        {"AUTH PLAIN AGEAYg==", "AUTH", "AUTH", "PLAIN AGEAYg=="},
        {"STARTTLS", "STARTTLS", "STARTTLS", ""},
        {"X-AnonymousTLS", "X-ANONYMOUSTLS", "X-AnonymousTLS", ""},
        {"QUIT", "QUIT", "QUIT", ""},
        {"", "(UNKNOWN)", "", ""},
        {" QUIT", "(UNKNOWN)", "", "QUIT"},
        {"QUITE", "(UNKNOWN)", "QUITE", ""},
        {"QUI", "(UNKNOWN)", "QUI", ""},
        {"MAILFROM:<a@b>", "(UNKNOWN)", "MAILFROM:<a@b>", ""},
        {"XCLIENT ADDR=1", "XCLIENT", "XCLIENT", "ADDR=1"},
        {"XFORWARD NAME=x", "XFORWARD", "XFORWARD", "NAME=x"},
        {"LHLO c", "LHLO", "LHLO", "c"},
        {"BURL imap://x LAST", "BURL", "BURL", "imap://x LAST"},
        {"XADR 1", "(UNKNOWN)", "XADR", "1"},
        {"QUIT\0x"s, "QUIT", "QUIT", "\0x"s},
        {".", "(UNKNOWN)", ".", ""},  // never words on the wire
        {">", "(UNKNOWN)", ">", ""},
        {"***", "(UNKNOWN)", "***", ""},
        {"(UNKNOWN)", "(UNKNOWN)", "(UNKNOWN)", ""},
    };
    for (const Row& r : rows) {
        INFO(r.line);
        const Command c = parse_command(r.line);
        CHECK(name_of(c.verb) == r.name);
        CHECK(c.word == r.word);
        CHECK(c.arg == r.arg);
        CHECK(parse_verb(r.word) == c.verb);
    }
    CHECK(name_of(Verb::end_of_data) == ".");
    CHECK(name_of(Verb::greeting) == ">");
    CHECK(name_of(Verb::auth_answer) == "***");
}

TEST_CASE("reply lines", "[smtp]") {
    struct Row {
        std::string line;
        int code;  // 0: not a reply
        bool more;
        std::string text;
    };
    const Row rows[] = {
        {"250 ok", 250, false, "ok"},
        {"250-ok", 250, true, "ok"},
        {"250", 250, false, ""},
        {"250 ", 250, false, ""},
        {"250-", 250, true, ""},
        {"250- two words ", 250, true, "two words "},
        {"250\ttab", 250, false, "tab"},
        {"250ok", 250, false, "ok"},
        {"2500 ok", 250, false, "0 ok"},
        {"250 -no", 250, false, "-no"},
        {"550 5.7.1 <a@b>: no", 550, false, "5.7.1 <a@b>: no"},
        {"100 x", 100, false, "x"},
        {"599 x", 599, false, "x"},
        {"099 x", 0, false, ""},
        {"600 x", 0, false, ""},
        {"999", 0, false, ""},
        {"25", 0, false, ""},
        {"", 0, false, ""},
        {" 250 ok", 0, false, ""},
        {"-250 ok", 0, false, ""},
        {"2 0 ok", 0, false, ""},
        {"ok", 0, false, ""},
    };
    for (const Row& r : rows) {
        INFO(r.line);
        const auto reply = parse_reply(r.line);
        CHECK(reply.has_value() == (r.code != 0));
        if (!reply) continue;
        CHECK(reply->code == r.code);
        CHECK(reply->more == r.more);
        CHECK(reply->text == r.text);
    }
}

TEST_CASE("the argument of BDAT", "[smtp]") {
    struct Row {
        std::string arg;
        std::uint64_t size;
        bool last;
        const char* error = nullptr;
    };
    const char* const bad_length = "BDAT argument bad length";
    const char* const no_number = "BDAT not followed by a valid chunk-size";
    const char* const not_valid = "BDAT chunk-size not valid";
    const char* const too_large = "BDAT chunk-size too large";
    const char* const junk = "BDAT chunk-size followed by junk";
    const Row rows[] = {
        {"0", 0, false},
        {"0 LAST", 0, true},
        {"86 LAST", 86, true},
        {"86 last", 86, true},
        {"86 Last", 86, true},
        {"0086", 86, false},
        {"1000000", 1000000, false},
        {"18446744073709551615", ~std::uint64_t{0}, false},
        {"18446744073709551615 LAST", ~std::uint64_t{0}, true},
        {"", 0, false, bad_length},
        {"184467440737095516150 LAST", 0, false, bad_length},
        {"00000000000000000000000001", 0, false, bad_length},
        {"0000000000000000000000001", 1, false},
        {"LAST", 0, false, no_number},
        {"-1", 0, false, no_number},
        {"-1 LAST", 0, false, no_number},
        {"+1", 0, false, no_number},
        {"x", 0, false, no_number},
        {"<86>", 0, false, no_number},
        {"86x", 0, false, not_valid},
        {"86LAST", 0, false, not_valid},
        {"86-", 0, false, not_valid},
        {"0x10", 0, false, not_valid},
        {"1.5", 0, false, not_valid},
        {"86\tLAST", 0, false, not_valid},
        {"18446744073709551616", 0, false, too_large},
        {"99999999999999999999 LAST", 0, false, too_large},
        {"86 ", 0, false, junk},
        {"86  LAST", 0, false, junk},
        {"86 LAST ", 0, false, junk},
        {"86 LASTS", 0, false, junk},
        {"86 FIRST", 0, false, junk},
        {"86 86", 0, false, junk},
    };
    for (const Row& r : rows) {
        INFO(r.arg);
        const BdatArgument a = parse_bdat_argument(r.arg);
        CHECK(std::string(a.error ? a.error : "") == (r.error ? r.error : ""));
        if (r.error || a.error) continue;
        CHECK(a.size == r.size);
        CHECK(a.last == r.last);
    }
}
