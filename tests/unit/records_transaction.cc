// SPDX-License-Identifier: BSD-3-Clause
// What the server's replies make of a transaction, of a login and of what it offers.
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "records/login.h"
#include "records/offer.h"
#include "records/transaction.h"

using namespace smtpscope;
using namespace smtpscope::records;
using smtp::Verb;

namespace {

smtp::Reply reply_to(Verb verb, std::uint16_t code, std::string_view text = {}, bool more = false,
                     bool doubtful = false) {
    smtp::Reply reply;
    reply.verb = verb;
    reply.code = code;
    reply.text = text;
    reply.more = more;
    reply.doubtful = doubtful;
    return reply;
}

}  // namespace

TEST_CASE("addresses come out in the order in which they went in", "[records]") {
    AddressQueue queue;
    CHECK(queue.empty());
    queue.push("a");
    queue.push("b");
    CHECK(queue.pop() == "a");
    queue.push("c");
    CHECK(queue.pop() == "b");
    CHECK(queue.pop() == "c");
    CHECK(queue.empty());
    queue.push("d");
    CHECK(queue.pop() == "d");
}

TEST_CASE("what the server has said of a mail as a whole", "[records]") {
    struct Row {
        const char* name;
        std::uint16_t mail, recipient, content;  ///< codes of refusals; 0: accepted
        const char* last_reply;
        bool answered, aborted_by_client;
        std::uint64_t code, rejection;
        bool refused_whole, aborted;
    };
    const Row rows[] = {
        {"taken", 0, 0, 0, "250 2.0.0 taken", true, false, 250, 0, false, false},
        {"taken without one recipient", 0, 550, 0, "250 taken", true, false, 250, 550, false, false},
        {"refused at its end", 0, 0, 0, "554 5.7.1 spam", true, false, 554, 554, true, false},
        {"DATA refused", 0, 0, 451, "250 reset", false, true, 451, 451, true, false},
        {"MAIL refused", 552, 0, 0, "221 bye", false, true, 552, 552, true, false},
        {"given up by the client", 0, 0, 0, "250 reset", false, true, 250, 0, false, true},
        {"cut off", 0, 0, 0, "354 go", false, false, 354, 0, false, false},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Transaction t;
        t.info.recipients = 2;
        if (r.mail != 0) t.mail_rejection = rejection_of(reply_to(Verb::mail, r.mail));
        if (r.recipient != 0) CHECK(t.reject("a@b", reply_to(Verb::rcpt, r.recipient), true));
        if (r.content != 0) t.content_answered(reply_to(Verb::data, r.content));
        t.info.last_reply = r.last_reply;
        t.content.answered = r.answered;
        t.envelope.aborted = r.aborted_by_client;
        t.judge(ExtraFields::all(), false);
        CHECK(t.info.reply_code == r.code);
        CHECK(t.info.rejection.code == r.rejection);
        CHECK(t.info.refused_whole == r.refused_whole);
        CHECK(t.info.aborted == r.aborted);
        t.judge(ExtraFields::all(), true);
        CHECK(t.info.refused_whole == (r.refused_whole && !r.answered));
    }
}

TEST_CASE("a message that was refused leaves nothing behind", "[records]") {
    for (const bool refused : {false, true}) {
        Transaction t;
        t.entities = 3;
        t.content.seen = true;
        if (refused) t.content_answered(reply_to(Verb::data, 554));
        t.begin_content();
        CHECK(t.entities == (refused ? 0 : 3));
        CHECK_FALSE(t.content.seen);
        CHECK_FALSE(t.content.refused);
    }
}

TEST_CASE("what a login has come to", "[records]") {
    struct Row {
        const char* name;
        std::vector<smtp::Reply> replies;
        std::optional<bool> success;
        bool wrong_secret;
    };
    const Row rows[] = {
        {"no reply", {}, std::nullopt, false},
        {"a challenge", {reply_to(Verb::auth, 334)}, std::nullopt, false},
        {"taken", {reply_to(Verb::auth, 334), reply_to(Verb::auth_answer, 235)}, true, false},
        {"refused", {reply_to(Verb::auth, 535)}, false, true},
        {"a line of several", {reply_to(Verb::auth, 535, {}, true)}, std::nullopt, false},
        {"in doubt", {reply_to(Verb::auth, 235, {}, false, true)}, std::nullopt, false},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Login login;
        CHECK_FALSE(login.answered(reply_to(Verb::auth, 535)));  // to no AUTH that is known
        login.request({Verb::auth, "PLAIN", false, "alice"});
        bool wrong = false;
        for (const smtp::Reply& reply : r.replies) wrong |= login.answered(reply);
        CHECK(wrong == r.wrong_secret);
        Info rec;
        login.fill(rec, ExtraFields::all());
        CHECK(rec.auth_mechanism == "PLAIN");
        CHECK(rec.auth_user == "alice");
        CHECK(rec.auth_success == r.success);
        login.commands_lost();
        Info behind;
        login.fill(behind, ExtraFields::all());
        CHECK(behind.auth_user.has_value() == (r.success != false));
    }
}

TEST_CASE("what a server offers is known once the reply to EHLO is over", "[records]") {
    Shared<std::string> known;
    Offer offer;
    offer.line(reply_to(Verb::ehlo, 250, "mx.example", true), known);
    offer.line(reply_to(Verb::ehlo, 250, "pipelining", true), known);
    CHECK_FALSE(offer.is_known());
    offer.line(reply_to(Verb::ehlo, 250, "SIZE 1000"), known);
    REQUIRE(offer.is_known());
    CHECK(offer.keywords() == std::vector<std::string>{"PIPELINING", "SIZE"});
    offer.forget();
    CHECK_FALSE(offer.is_known());
    offer.begin();
    offer.line(reply_to(Verb::ehlo, 250, "mx.example"), known);
    CHECK_FALSE(offer.is_known());  // of nothing
    offer.line(reply_to(Verb::ehlo, 250, "mx.example", true), known);
    offer.line(reply_to(Verb::ehlo, 250, "SIZE", false, true), known);
    CHECK_FALSE(offer.is_known());
}
