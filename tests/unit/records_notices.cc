// SPDX-License-Identifier: BSD-3-Clause
// Notices: blocklists in replies, suspicious origins, bursts of failures, smuggled messages.
#include <algorithm>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "records/notices.h"
#include "skip.h"

using namespace smtpscope;
using namespace smtpscope::records;

namespace {

Address address(const std::string& text) {
    return Address::parse(text).value();
}

Timestamp at(double seconds) {
    return from_nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

ConnId from(const std::string& host) {
    return {address(host), 40000, address("198.51.100.25"), 25};
}

struct Fixture {
    explicit Fixture(const NoticeOptions& o = {}) : notices(o, 42, [this](const Notice& n) { told.push_back(n); }) {}
    std::vector<Notice> told;
    Notices notices;
};

constexpr double hour = 3600;
const std::string host = "192.0.2.7";

}  // namespace

TEST_CASE("replies that tell of a blocklist", "[records]") {
    const char* const rows[] = {
        // The reference's texts.
        "Blocked - see http://www.spamhaus.org/query/bl?ip=192.0.2.7",
        "see http://www.sophos.com/security/ip-lookup?ip=192.0.2.7",
        "Blocked - see http://www.spamcop.net/bl.shtml?192.0.2.7",
        "Blocked, see http://cbl.abuseat.org/lookup.cgi?ip=192.0.2.7",
        "Dynamic IP, see http://www.sorbs.net/lookup.shtml?192.0.2.7",
        "see http://bsn.borderware.com/lookup.php?ip=192.0.2.7",
        "see http://www.mail-abuse.com/cgi-bin/lookup?ip_address=192.0.2.7",
        "see http://b.barracudacentral.com/q.cgi?ip=192.0.2.7",
        "Listed in PSBL, see http://psbl.surriel.com/listing?ip=192.0.2.7",
        "see http://antispam.imp.ch/spamikaze/remove.php?ip=192.0.2.7",
        "rejected, see http://www.dyndns.com/support/kb/spam.html",
        "see http://rbl.knology.net/lookup",
        "see http://intercept.datapacket.net/?192.0.2.7",
        "see http://www.uceprotect.net/rblcheck.php?ipr=192.0.2.7",
        "see http://hostkarma.junkemailfilter.com/",
        // The default words of mail servers.
        "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using bl.example.org; listed",
        "rejected because 192.0.2.7 is in a black list at bl.example.org",
        "5.3.0 flpd568 DNSBL:RBL 521< 192.0.2.7 >_is_blocked. Forward this to abuse_rbl@abuse-att.net",
        "Your host is found in DNSBL",
        "JunkMail rejected - mail.example.org [192.0.2.7] is in an RBL on rbl.example.com",
        // Lists in use.
        "5.7.1 Client host blocked; https://check.spamhaus.org/query/ip/192.0.2.7",
        "rejected by ZEN.SPAMHAUS.ORG",
        "listed by key.zen.dq.spamhaus.net",
        "5.7.1 Service unavailable, Helo domain is listed in Spamhaus. (S8001)",
        "Connections not accepted from IP addresses on Spamhaus XBL",
        "192.0.2.7 is listed at bl.spamcop.net",
        "https://www.barracudacentral.org/lookups/lookup-reputation?ip=192.0.2.7",
        "http://www.barracudanetworks.com/reputation/?pr=1&ip=192.0.2.7",
        "deferred using Trend Micro Email Reputation database",
        "5.7.1 https://lookup.abusix.com/search?q=192.0.2.7",
        "5.7.0 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.7",
        "https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.7",
        "[192.0.2.7] is listed on Cloudmark CSI-Global",
        "visit https://csi.cloudmark.com/en/reset",
        "https://www.invaluement.com/lookup/?item=192.0.2.7",
        "http://www.spamrats.com/bl?192.0.2.7",
        "https://mailspike.org/anubis/lookup.html",
        "https://www.s5h.net/rbl?ip=192.0.2.7",
        "https://0spam.org/",
        "listed, see https://www.nordspam.com/delist/",
        "https://www.senderscore.org/blocklistlookup",
        "http://www.senderbase.org/search?ip=192.0.2.7",
        "https://talosintelligence.com/reputation_center",
        "http://ipremoval.sms.symantec.com/lookup/?192.0.2.7",
        "http://www.dnsbl.manitu.net/lookup.php?value=192.0.2.7",
        "https://matrix.spfbl.net/192.0.2.7",
        "https://www.blocklist.de/",
        // Providers.
        "5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent; part of it is on our block list (S3140).",
        "5.7.1 Unfortunately, messages weren't sent (S3150).",
        "5.7.606 Access denied, banned sending IP [192.0.2.7]. To request removal visit https://sender.office.com/",
        "5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.",
        "5.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address",
        "5.7.1 likely suspicious due to the very low reputation of the sending IP address",
        "IP address is block listed.",
        "IP=192.0.2.7 - None/bad reputation. Ask your postmaster or contact tosa@rx.t-online.de for reset. (NOWL)",
        "Comcast block for spam. Please see http://postmaster.comcast.net/",
        "5.7.1 [BL21] Connections will not be accepted",
    };
    for (const std::string text : rows) {
        INFO(text);
        Fixture f;
        f.notices.reply(from(host), "C1", at(1), 550, text);
        REQUIRE(f.told.size() == 1);
        const bool named = text.find(host) != text.npos;
        CHECK(f.told[0].note == (named ? "SMTP::Blocklist_Blocked_Host" : "SMTP::Blocklist_Error_Message"));
        CHECK(f.told[0].sub == text);
    }
}

TEST_CASE("replies that do not", "[records]") {
    const char* const rows[] = {
        "",
        "5.1.1 User unknown",
        "5.1.1 <someone@spamhaus.org>: user unknown",
        "5.1.1 <someone@lists.dnsbl.spfbl.net>: user unknown",
        "5.7.1 Relay access denied",
        "4.2.0 Greylisted, see http://postgrey.schweikert.ch/help",
        "5.2.2 Mailbox full",
        "http://www.dyndns.com/support/",
        "spam; http://www.dyndns.com/",
        "spamhaus",
        "5.7.26 This mail is unauthenticated",
    };
    for (const char* text : rows) {
        INFO(text);
        Fixture f;
        f.notices.reply(from(host), "C1", at(1), 550, text);
        CHECK(f.told.empty());
    }
}

TEST_CASE("blocklists count only in errors, and not where the server goes away", "[records]") {
    struct Row {
        std::uint16_t code;
        bool told;
    };
    for (const Row r : {Row{220, false}, Row{250, false}, Row{354, false}, Row{399, false}, Row{400, true},
                        Row{421, false}, Row{450, true}, Row{550, true}, Row{554, true}, Row{999, true}}) {
        Fixture f;
        f.notices.reply(from(host), "C1", at(1), r.code, "see https://www.spamhaus.org/");
        INFO(r.code);
        CHECK(f.told.size() == (r.told ? 1U : 0U));
    }
}

TEST_CASE("a blocked host is the originator, named before others", "[records]") {
    struct Row {
        const char* orig;
        const char* text;
        bool blocked;
    };
    const Row rows[] = {
        {"192.0.2.7", "[192.0.2.7] blocked using x", true},
        {"192.0.2.7", "[192.0.2.8] blocked using x, not 192.0.2.7", false},
        {"192.0.2.7", "192.0.2.77 blocked using x", false},
        {"192.0.2.7", "blocked using x", false},
        {"2001:db8::7", "[2001:DB8:0::7] blocked using x", true},
        {"2001:db8::7", "[2001:db8::8] blocked using x", false},
    };
    for (const Row& r : rows) {
        INFO(r.text);
        Fixture f;
        f.notices.reply(from(r.orig), "C1", at(1), 554, r.text);
        REQUIRE(f.told.size() == 1);
        const Notice& n = f.told[0];
        CHECK(n.note == (r.blocked ? "SMTP::Blocklist_Blocked_Host" : "SMTP::Blocklist_Error_Message"));
        CHECK(n.msg == std::string(r.orig) + (r.blocked ? " is on an SMTP block list"
                                                        : " received an error message mentioning an SMTP block list"));
        CHECK(n.ts == at(1));
        CHECK(n.uid == "C1");
        CHECK(n.id == from(r.orig));
        CHECK(n.src == address(r.orig));
        CHECK(n.dst == address("198.51.100.25"));
        CHECK(n.n == 0);
    }
}

TEST_CASE("more texts of blocklists can be configured", "[records]") {
    NoticeOptions options;
    options.blocklist_texts = {"RBL.Example.net", "abc", ""};
    Fixture f(options);
    CHECK(Blocklists(options.blocklist_texts).size() == Blocklists().size() + 1);  // the others are too short
    f.notices.reply(from(host), "C1", at(1), 550, "see https://rbl.EXAMPLE.net/");
    f.notices.reply(from("192.0.2.8"), "C1", at(1), 550, "abc");
    CHECK(f.told.size() == 1);
    f.notices.set_options({});
    f.notices.reply(from("192.0.2.9"), "C1", at(1), 550, "see https://rbl.EXAMPLE.net/");
    CHECK(f.told.size() == 1);
}

TEST_CASE("equal notices about one host are told once in an interval", "[records]") {
    Fixture f;
    const std::string text = "see https://www.spamhaus.org/";
    f.notices.reply(from(host), "C1", at(0), 550, text);
    f.notices.reply(from(host), "C1", at(0), 550, text);         // the next line of the same reply
    f.notices.reply(from(host), "C2", at(hour - 1), 550, text);  // another connection
    CHECK(f.told.size() == 1);
    f.notices.reply(from("192.0.2.8"), "C3", at(1), 550, text);        // another host
    f.notices.reply(from(host), "C1", at(1), 550, host + " " + text);  // another notice
    CHECK(f.told.size() == 3);
    f.notices.reply(from(host), "C1", at(hour), 550, text);
    CHECK(f.told.size() == 4);
    CHECK(f.notices.stats().emitted == 4);
    CHECK(f.notices.stats().suppressed == 2);

    NoticeOptions each;
    each.suppression_interval = Duration::zero();
    f.notices.set_options(each);
    f.notices.reply(from(host), "C1", at(hour), 550, text);
    f.notices.reply(from(host), "C1", at(hour), 550, text);
    CHECK(f.told.size() == 6);
}

TEST_CASE("what is remembered as told is bounded", "[records]") {
    NoticeOptions options;
    options.max_suppressed = 8;
    Fixture f(options);
    const auto reply = [&](int last, double when) {
        f.notices.reply(from("192.0.2." + std::to_string(last)), "C1", at(when), 550, "see https://www.spamhaus.org/");
        return f.told.size();
    };
    for (int i = 0; i < 8; ++i) reply(i, i);
    CHECK(reply(0, 10) == 8);
    CHECK(reply(8, 11) == 9);  // in the place of 0
    CHECK(reply(1, 12) == 9);
    CHECK(reply(0, 13) == 10);
}

TEST_CASE("mail from suspicious networks", "[records]") {
    NoticeOptions options;
    options.suspicious_origination_networks =
        SubnetSet({*Subnet::parse("203.0.113.0/24"), *Subnet::parse("2001:db8::/32")});
    Fixture f(options);
    Info rec;
    rec.ts = at(5);
    rec.uid = "C1";
    rec.id = from(host);
    f.notices.record(rec);
    rec.path = {address("203.0.113.1"), address("192.0.2.1")};  // only where it began counts
    rec.x_originating_ip = address("192.0.2.1");
    f.notices.record(rec);
    CHECK(f.told.empty());

    rec.x_originating_ip = address("203.0.113.9");
    f.notices.record(rec);
    REQUIRE(f.told.size() == 1);
    CHECK(f.told[0].note == "SMTP::Suspicious_Origination");
    CHECK(f.told[0].msg == "An email originated from 203.0.113.9");
    CHECK(f.told[0].src == rec.id.orig_h);
    CHECK(f.told[0].ts == at(5));

    rec.path.push_back(address("2001:db8::1"));
    f.notices.record(rec);
    REQUIRE(f.told.size() == 3);  // each source, each time
    CHECK(f.told[2].msg == "Based on its Received headers, an email originated from 2001:db8::1");

    f.notices.set_options({});
    f.notices.record(rec);
    CHECK(f.told.size() == 3);
}

TEST_CASE("bursts of failures from one host", "[records]") {
    Fixture f;
    for (int i = 0; i < 19; ++i) f.notices.rejected_recipient(from(host), "C1", at(i));
    for (int i = 0; i < 9; ++i) f.notices.failed_auth(from(host), "C1", at(i));
    CHECK(f.told.empty());
    f.notices.rejected_recipient(from(host), "C2", at(20));
    REQUIRE(f.told.size() == 1);
    CHECK(f.told[0].note == "SMTP::Rejected_Recipients_Burst");
    CHECK(f.told[0].n == 20);
    CHECK(f.told[0].uid == "C2");
    CHECK(f.told[0].msg == "192.0.2.7 had 20 recipients rejected");
    f.notices.failed_auth(from(host), "C2", at(20));
    REQUIRE(f.told.size() == 2);
    CHECK(f.told[1].note == "SMTP::Auth_Failure_Burst");
    CHECK(f.told[1].n == 10);

    // The count goes on while it is suppressed.
    double now = 20;
    for (int i = 0; i < 400; ++i) f.notices.rejected_recipient(from(host), "C3", at(now += 9));
    REQUIRE(f.told.size() == 3);
    CHECK(f.told[2].n == 420);
    CHECK(f.notices.stats().suppressed == 399);

    // A window without any ends the burst.
    now += 301;
    for (int i = 0; i < 20; ++i) f.notices.rejected_recipient(from(host), "C4", at(now + 2 * hour));
    REQUIRE(f.told.size() == 4);
    CHECK(f.told[3].n == 20);
}

TEST_CASE("what is older than the window does not count", "[records]") {
    NoticeOptions options;
    options.rejected_recipients = 8;
    Fixture f(options);
    double now = 1000;
    for (int i = 0; i < 100; ++i) f.notices.rejected_recipient(from(host), "C1", at(now += 43));  // at most 7 in 300 s
    CHECK(f.told.empty());
    for (int i = 0; i < 8; ++i) f.notices.rejected_recipient(from(host), "C1", at(now += 30));  // 8 in 240 s
    CHECK(f.told.size() == 1);
}

TEST_CASE("a host is an IPv4 address or an IPv6 /64", "[records]") {
    NoticeOptions options;
    options.failed_auths = 2;
    struct Row {
        const char* a;
        const char* b;
        bool same;
    };
    for (const Row r : {Row{"192.0.2.1", "192.0.2.1", true}, Row{"192.0.2.1", "192.0.2.2", false},
                        Row{"2001:db8::1", "2001:db8::ffff:1:1", true}, Row{"2001:db8::1", "2001:db8:0:1::1", false},
                        Row{"::1", "::2", true}, Row{"::1", "192.0.2.1", false}}) {
        INFO(r.a << " " << r.b);
        Fixture f(options);
        f.notices.failed_auth(from(r.a), "C1", at(1));
        f.notices.failed_auth(from(r.b), "C1", at(1));
        CHECK(f.told.size() == (r.same ? 1U : 0U));
    }
}

TEST_CASE("bursts can be turned off", "[records]") {
    NoticeOptions options;
    options.rejected_recipients = options.failed_auths = 0;
    NoticeOptions no_window;
    no_window.burst_window = Duration::zero();
    for (const NoticeOptions& o : {options, no_window}) {
        Fixture f(o);
        for (int i = 0; i < 100; ++i) f.notices.rejected_recipient(from(host), "C1", at(1));
        for (int i = 0; i < 100; ++i) f.notices.failed_auth(from(host), "C1", at(1));
        CHECK(f.told.empty());
        CHECK(f.notices.hosts() == 0);
    }
}

TEST_CASE("new hosts do not displace one that fails often", "[records]") {
    NoticeOptions options;
    options.max_hosts = 64;
    Fixture f(options);
    for (int i = 0; i < 15; ++i) f.notices.failed_auth(from(host), "C1", at(i / 10.0));
    CHECK(f.told.size() == 1);
    for (int i = 0; i < 5; ++i) f.notices.rejected_recipient(from(host), "C1", at(2));
    for (int i = 0; i < 100000; ++i) {
        const ConnId other =
            from("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255));
        f.notices.rejected_recipient(other, "C2", at(3));
    }
    CHECK(f.notices.hosts() <= 128);
    CHECK(f.notices.stats().evicted_hosts > 90000);
    for (int i = 0; i < 15; ++i) f.notices.rejected_recipient(from(host), "C1", at(4));
    REQUIRE(f.told.size() == 2);
    CHECK(f.told[1].n == 20);

    // The windows of all are over: the newcomers are welcome, and nothing that counted was lost.
    const std::uint64_t evicted = f.notices.stats().evicted_hosts;
    for (int i = 0; i < 8; ++i) f.notices.rejected_recipient(from("11.0.0." + std::to_string(i)), "C2", at(hour));
    CHECK(f.notices.stats().evicted_hosts == evicted);
}

TEST_CASE("limits of the tables", "[records]") {
    struct Row {
        std::size_t wanted, held;
    };
    for (const Row r :
         {Row{0, 8}, Row{8, 8}, Row{9, 16}, Row{65536, 65536}, Row{std::size_t{1} << 40, std::size_t{1} << 24}}) {
        CHECK(RecentKeys(r.wanted).capacity() == r.held);
        CHECK(BurstTable(r.wanted, std::chrono::minutes(5), 1).capacity() == r.held);
    }
}

TEST_CASE("times that go back or far away", "[records]") {
    NoticeOptions options;
    options.failed_auths = 3;
    Fixture f(options);
    f.notices.failed_auth(from(host), "C1", at(1000));
    f.notices.failed_auth(from(host), "C1", at(900));  // within the window
    f.notices.failed_auth(from(host), "C1", at(1000));
    CHECK(f.told.size() == 1);
    for (const Timestamp t : {Timestamp::min(), Timestamp::max(), Timestamp{}, at(-5)})
        for (int i = 0; i < 3; ++i) f.notices.failed_auth(from(host), "C1", t);
    CHECK(f.told.size() == 5);
}

TEST_CASE("tables whose size or window changes begin anew, others go on", "[records]") {
    NoticeOptions options;
    Fixture f(options);
    for (int i = 0; i < 9; ++i) f.notices.failed_auth(from(host), "C1", at(1));
    f.notices.set_options(options);
    f.notices.failed_auth(from(host), "C1", at(1));
    CHECK(f.told.size() == 1);
    options.burst_window = std::chrono::minutes(1);
    f.notices.set_options(options);
    CHECK(f.notices.hosts() == 0);
    options.failed_auths = 1;
    f.notices.set_options(options);
    f.notices.failed_auth(from(host), "C1", at(1));
    CHECK(f.told.size() == 2);
}

TEST_CASE("smuggled messages", "[records]") {
    Fixture f;
    f.notices.smuggled(from(host), "C1", at(1), "<LF>.<LF>");
    f.notices.smuggled(from(host), "C1", at(2), "<LF>.<LF>");
    f.notices.smuggled(from(host), "C1", at(3), "<CR>.<CR>");
    f.notices.smuggled(from("192.0.2.8"), "C2", at(3), "<LF>.<LF>");
    REQUIRE(f.told.size() == 3);
    CHECK(f.told[0].note == "SMTP::Message_Smuggling");
    CHECK(f.told[0].sub == "<LF>.<LF>");
    CHECK(f.told[0].msg == "192.0.2.7 hid a message behind the end of another");
    CHECK(f.told[1].sub == "<CR>.<CR>");
    CHECK(f.notices.stats().suppressed == 1);
}

TEST_CASE("the search for blocklists takes time in proportion to the reply", "[records][timing]") {
    if (test::sanitized) return test::skip("a sanitizer has a sense of time of its own");
    const std::string hostile[] = {"spamhaus.org", "spam", "dyndns.com/", "@", "@a.",
                                   "blocked usin", "dnsb", "1.2.3.",      "::"};
    const Blocklists lists;
    const auto time = [&](const std::string& pattern, std::size_t size) {
        std::string text;
        while (text.size() < size) text += pattern;
        std::clock_t best = 0;
        for (int round = 0; round < 3; ++round) {
            const std::clock_t begin = std::clock();
            const bool found = lists.mentioned_in(text);
            const std::clock_t took = std::clock() - begin + (found ? 0 : 1);
            best = round == 0 ? took : std::min(best, took);
        }
        return static_cast<double>(best) + 1;
    };
    constexpr std::size_t size = std::size_t{1} << 20;
    for (const std::string& pattern : hostile) {
        INFO(pattern);
        double ratio = 0;
        for (int attempt = 0; attempt < 10; ++attempt) {
            ratio = time(pattern, size) / time(pattern, size / 8);
            if (ratio <= 24) break;
        }
        REQUIRE(ratio <= 24);  // eight times the input; quadratic time would be 64 times as much
    }
}
