// SPDX-License-Identifier: BSD-3-Clause
// What is remembered after a loss, and what is concluded from it.
#include <optional>
#include <string>

#include "catch.h"
#include "smtp/recovery.h"

using namespace smtpscope::smtp;

namespace {

/// A MAIL was accepted.
Envelope open_envelope() {
    Envelope envelope;
    envelope.answered(Verb::mail, 250);
    return envelope;
}

}  // namespace

TEST_CASE("SMTP: lines after a loss are commands as long as all look like it", "[smtp]") {
    struct Row {
        const char* name;
        std::vector<std::string> lines;
        std::vector<std::string> remembered;
        bool new_transaction;
    };
    const Row rows[] = {
        {"none", {}, {}, false},
        {"commands", {"RCPT TO:<a@b>", "DATA"}, {"RCPT TO:<a@b>", "DATA"}, false},
        {"text before", {"text", "DATA"}, {"DATA"}, true},
        {"text behind", {"DATA", "text"}, {}, true},
        {"too long", {"MAIL FROM:<" + std::string(1024, 'x') + ">"}, {}, true},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Recovery recovery;
        CHECK_FALSE(recovery.commands_lost());
        recovery.client_gap();
        recovery.begin(5, false);
        CHECK(recovery.is_under_way());
        for (const std::string& text : r.lines) recovery.note_line({text});
        CHECK(recovery.may_be_new_transaction() == r.new_transaction);
        CHECK(recovery.first_command() ==
              (r.remembered.empty() ? Verb::unknown : parse_command(r.remembered.front()).verb));
        CHECK(recovery.take_lines() == r.remembered);
        CHECK(recovery.take_lines().empty());
    }
}

TEST_CASE("SMTP: whether a transaction has begun during a loss", "[smtp]") {
    struct Row {
        const char* name;
        std::uint64_t length;  ///< of the loss
        unsigned replies;      ///< since, to commands that were lost
        bool replies_lost;
        Verb next;
        std::uint16_t code;  ///< of the reply that shows that it is a command
        bool in_bdat;
        bool stands;
    };
    const Row rows[] = {
        {"too short for RSET and MAIL", 19, 0, false, Verb::rcpt, 250, false, true},
        {"long enough", 20, 0, false, Verb::rcpt, 250, false, false},
        {"of unknown length", 0, 0, false, Verb::rcpt, 250, false, false},
        {"one reply: not to both of them", 100, 1, false, Verb::rcpt, 250, false, true},
        {"two replies", 100, 2, false, Verb::rcpt, 250, false, false},
        {"replies were lost too", 100, 1, true, Verb::rcpt, 250, false, false},
        {"the first reply may be to a lost command", 100, 0, false, Verb::data, 250, false, false},
        {"but 354", 100, 0, false, Verb::data, 354, false, true},
        {"a chunk", 100, 0, false, Verb::bdat, 250, false, true},
        {"a chunk of the same message", 100, 9, false, Verb::bdat, 0, true, true},
        {"a command behind chunks", 100, 9, false, Verb::rcpt, 250, true, false},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Recovery recovery;
        recovery.client_gap();
        recovery.begin(r.length, false);
        for (unsigned i = 0; i < r.replies; ++i) recovery.note_unexplained_reply();
        if (r.replies_lost) recovery.server_gap();
        CHECK(recovery.end_before(r.next, r.code, r.in_bdat, open_envelope()) == r.stands);
        CHECK_FALSE(recovery.is_under_way());
        CHECK(recovery.commands_lost());
    }
}

TEST_CASE("SMTP: octets of lost chunks are counted without their commands", "[smtp]") {
    Recovery recovery;
    CHECK(recovery.take_lost_chunks() == std::nullopt);
    recovery.client_gap();
    recovery.begin(100, false);
    CHECK(recovery.take_lost_chunks() == 90);  // BDAT 100 and CRLF
    CHECK(recovery.take_lost_chunks() == std::nullopt);
    recovery.note_octets("four");
    CHECK(recovery.take_lost_chunks() == 0);
    recovery.note_line({"no command"});  // and CRLF
    recovery.note_octets(std::string(200, 'x'));
    recovery.note_unexplained_reply();
    recovery.note_unexplained_reply();
    CHECK(recovery.take_lost_chunks() == 192);  // two times BDAT 106 and CRLF
    // Behind lost octets of a chunk the loss was reported already.
    recovery.client_gap();
    recovery.begin(100, true);
    CHECK(recovery.take_lost_chunks() == std::nullopt);
    // Bytes that were commands were not chunks.
    recovery.begin(100, false);
    CHECK(recovery.end_before(Verb::data, 354, false, open_envelope()));
    CHECK(recovery.take_lost_chunks() == std::nullopt);
}

TEST_CASE("SMTP: after a loss, a handshake is believed where STARTTLS may have been", "[smtp]") {
    Recovery recovery;
    CHECK_FALSE(recovery.may_go_over_to_tls(false));
    recovery.client_gap();
    recovery.begin(12, false);
    CHECK(recovery.may_go_over_to_tls(false));
    CHECK_FALSE(recovery.may_go_over_to_tls(true));
    recovery.note_doubtful_reply(Verb::unknown, 220);
    CHECK(recovery.may_go_over_to_tls(true));
    recovery.note_doubtful_reply(Verb::unknown, 250);
    CHECK_FALSE(recovery.may_go_over_to_tls(true));
    recovery.server_gap();
    CHECK(recovery.may_go_over_to_tls(true));
    recovery.end();
    CHECK_FALSE(recovery.may_go_over_to_tls(false));
}
