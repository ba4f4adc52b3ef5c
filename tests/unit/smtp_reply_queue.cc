// SPDX-License-Identifier: BSD-3-Clause
// Which command a reply is to, and what the replies make of the envelope.
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "smtp/reply_queue.h"
#include "support_smtp.h"

using namespace smtpscope;
using namespace smtpscope::smtp;
using test::SmtpRecorder;

namespace {

struct Waiting {
    Verb verb;
    bool doubtful = false;    ///< an end of data
    bool gap_behind = false;  ///< bytes of the server are lost once it was sent
};

struct Row {
    const char* name;
    std::vector<Waiting> commands;
    std::uint16_t code;
    const char* text;
    bool commands_lost;
    std::string answered;  ///< the command; `-`: none
    unsigned lost;         ///< how many were let go of
};

std::string name(const ReplyQueue::Pending& p) {
    return p.tag == 0 ? "-" : std::string(name_of(p.verb));
}

/// The greeting is over.
ReplyQueue ready(const Limits& limits, SmtpRecorder& out) {
    ReplyQueue queue(limits, out);
    CHECK(queue.begin_reply(220, {}, false));
    queue.finish_reply(220);
    return queue;
}

}  // namespace

TEST_CASE("SMTP: a reply is to the oldest command, unless it cannot be", "[smtp]") {
    const Row rows[] = {
        {"one", {{Verb::noop}}, 250, "", false, "NOOP", 0},
        {"the oldest", {{Verb::mail}, {Verb::rcpt}}, 250, "", false, "MAIL", 0},
        {"none", {}, 250, "", false, "-", 0},
        {"only DATA is answered with 354", {{Verb::mail}, {Verb::data}}, 354, "", false, "DATA", 1},
        {"DATA that was lost", {{Verb::mail}}, 354, "", true, "-", 1},
        {"DATA is not answered like this", {{Verb::data}}, 250, "", true, "-", 0},
        {"nor where more was sent", {{Verb::data}, {Verb::end_of_data}, {Verb::quit}}, 250, "", false, ".", 1},
        {"the client has gone on", {{Verb::mail, false, true}, {Verb::rcpt}}, 250, "", false, "RCPT", 1},
        {"the client has not gone on", {{Verb::mail, false, true}}, 250, "", false, "MAIL", 0},
        {"it says to what", {{Verb::mail}, {Verb::rcpt, false, true}}, 250, "2.1.5 ok", false, "RCPT", 1},
        {"not believed without a loss", {{Verb::mail}, {Verb::rcpt}}, 250, "2.1.5 ok", false, "MAIL", 0},
        {"the true end of data",
         {{Verb::end_of_data, true}, {Verb::mail}, {Verb::end_of_data}},
         250,
         "",
         false,
         ".",
         2},
        {"a doubtful end alone", {{Verb::end_of_data, true}}, 250, "", false, ".", 0},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const Limits limits;
        SmtpRecorder out;
        ReplyQueue queue = ready(limits, out);
        for (const Waiting& w : r.commands) {
            CHECK(queue.push({w.verb, {}, false, {}}, w.doubtful) == Disposition::follow);
            if (w.gap_behind) queue.gap();
        }
        CHECK(queue.begin_reply(r.code, r.text, r.commands_lost) == (r.answered != "-"));
        CHECK(name(queue.answered()) == r.answered);
        CHECK(out.events.size() == r.commands.size() + r.lost);
    }
}

TEST_CASE("SMTP: LMTP has a reply for each recipient that was accepted", "[smtp]") {
    const Limits limits;
    SmtpRecorder out;
    ReplyQueue queue = ready(limits, out);
    const std::pair<Verb, std::uint16_t> talk[] = {
        {Verb::lhlo, 250}, {Verb::mail, 250}, {Verb::rcpt, 250}, {Verb::rcpt, 550}, {Verb::rcpt, 250}};
    for (const auto& [verb, code] : talk) {
        queue.push({verb, {}, false, {}});
        queue.begin_reply(code, {}, false);
        queue.finish_reply(code);
    }
    CHECK(queue.envelope().accepted() == 2);
    queue.push({Verb::end_of_data, {}, true, {}});
    CHECK(queue.begin_reply(250, {}, false));
    CHECK_FALSE(queue.answered().final);
    CHECK_FALSE(queue.empty());
    CHECK(queue.begin_reply(250, {}, false));
    CHECK(queue.answered().final);
    CHECK(queue.empty());
}

TEST_CASE("SMTP: no more commands wait than the limit allows", "[smtp]") {
    Limits limits;
    limits.pending_commands = 2;
    SmtpRecorder out;
    ReplyQueue queue = ready(limits, out);
    for (int i = 0; i < 3; ++i) queue.push({Verb::noop, {}, false, {}});
    CHECK(out.events == std::vector<std::string>{"> NOOP", "> NOOP", "> NOOP",
                                                 "weird smtp_excessive_pending_cmds (SMTP)", "? NOOP", "? NOOP"});
    queue.begin_reply(250, {}, false);
    CHECK(queue.empty());
}

TEST_CASE("SMTP: an envelope stands until enough was said to begin another one", "[smtp]") {
    struct EnvelopeRow {
        const char* name;
        std::vector<std::pair<Verb, std::uint16_t>> replies;
        Verb next;
        int stands_after;  ///< up to so many replies to commands that are not known; -1: never
    };
    const EnvelopeRow rows[] = {
        {"no MAIL", {}, Verb::rcpt, -1},
        {"MAIL", {{Verb::mail, 250}}, Verb::rcpt, 1},
        {"DATA needs an RCPT", {{Verb::mail, 250}}, Verb::data, 2},
        {"as does BDAT", {{Verb::mail, 250}}, Verb::bdat, 2},
        {"all others begin one, or end it", {{Verb::mail, 250}}, Verb::mail, -1},
        {"all recipients refused: no RSET is needed", {{Verb::mail, 250}, {Verb::rcpt, 550}}, Verb::rcpt, 0},
        {"one accepted", {{Verb::mail, 250}, {Verb::rcpt, 550}, {Verb::rcpt, 250}}, Verb::rcpt, 1},
        {"a MAIL that is refused changes nothing", {{Verb::mail, 250}, {Verb::mail, 503}}, Verb::rcpt, 1},
        {"RSET", {{Verb::mail, 250}, {Verb::rset, 250}}, Verb::rcpt, -1},
        {"DATA refused", {{Verb::mail, 250}, {Verb::data, 554}}, Verb::rcpt, -1},
        {"a new one", {{Verb::mail, 250}, {Verb::rcpt, 550}, {Verb::rset, 250}, {Verb::mail, 250}}, Verb::rcpt, 1},
    };
    for (const EnvelopeRow& r : rows) {
        INFO(r.name);
        Envelope envelope;
        for (const auto& [verb, code] : r.replies) envelope.answered(verb, code);
        int stands = -1;
        while (stands < 9 && envelope.stands_before(r.next, static_cast<std::uint32_t>(stands + 1))) ++stands;
        CHECK(stands == r.stands_after);
    }
}
