// SPDX-License-Identifier: BSD-3-Clause
// What software sends mail: versions, webmail, which host it runs on, and how often that is told.
#include <algorithm>
#include <ctime>
#include <optional>
#include <string>

#include "catch.h"
#include "records/software.h"
#include "skip.h"

using namespace smtpscope;
using namespace smtpscope::records;

namespace {

using Number = std::optional<std::uint64_t>;
using Text = std::optional<std::string>;
constexpr std::nullopt_t none = std::nullopt;

struct VersionRow {
    std::string in, name;
    Number major, minor, minor2, minor3;
    Text addl;
};

Software parsed(std::string_view unparsed) {
    Software s;
    s.unparsed_version = unparsed;
    parse_version(s);
    return s;
}

void check(const std::vector<VersionRow>& rows) {
    for (const VersionRow& r : rows) {
        INFO(r.in);
        const Software s = parsed(r.in);
        CHECK(s.name == r.name);
        CHECK(s.version_major == r.major);
        CHECK(s.version_minor == r.minor);
        CHECK(s.version_minor2 == r.minor2);
        CHECK(s.version_minor3 == r.minor3);
        CHECK(s.version_addl == r.addl);
        CHECK(s.unparsed_version == r.in);
    }
}

Address address(const char* text) {
    return Address::parse(text).value();
}

Timestamp at(std::int64_t seconds) {
    return from_nanoseconds(seconds * 1000000000);
}

Info record(const char* user_agent, std::vector<Address> path) {
    Info rec;
    rec.id = {address("10.0.0.1"), 1234, address("192.0.2.25"), 25};
    rec.user_agent = user_agent;
    rec.path = std::move(path);
    return rec;
}

}  // namespace

TEST_CASE("versions of mail clients", "[records]") {
    check({
        {"Microsoft Outlook Express 6.00.2800.1158", "Microsoft Outlook Express", 6, 0, 2800, 1158, none},
        {"Microsoft Outlook 16.0", "Microsoft Outlook", 16, 0, none, none, none},
        // A comma and a blank are a version already, one without numbers.
        {"Microsoft Office Outlook, Build 11.0.5510", "Microsoft Office Outlook", none, none, none, none, "Build"},
        {"Microsoft-MacOutlook/16.78.23100802", "Microsoft-MacOutlook", 16, 78, 23100802, none, none},
        {"Microsoft-MacOutlook/10.1d.0.190908", "Microsoft-MacOutlook", 10, 1, none, none, "d"},
        {"Apple Mail (2.3445)", "Apple Mail", 2, 3445, none, none, none},
        {"Apple Mail (2.3445.104.11)", "Apple Mail", 2, 3445, 104, 11, none},
        {"iPhone Mail (18H17)", "iPhone Mail", 18, none, none, none, "H17"},
        {"mutt/1.5.21", "mutt", 1, 5, 21, none, none},
        {"Mutt/2.2.9 (2022-11-12)", "Mutt", 2, 2, 9, none, "2022-11-12"},
        {"PHPMailer 5.2.4 (https://github.com/PHPMailer/PHPMailer/)", "PHPMailer", 5, 2, 4, none, "https://github"},
        {"Roundcube Webmail/1.4.3", "Roundcube Webmail", 1, 4, 3, none, none},
        {"Evolution 3.38.3-1", "Evolution", 3, 38, 3, 1, none},
        {"eM Client/9.2.2038.0", "eM Client", 9, 2, 2038, 0, none},
        {"The Bat! (v9.2.1) Professional", "The Bat!", 9, 2, 1, none, "Professional"},
        {"SquirrelMail/1.4.23 [SVN]", "SquirrelMail", 1, 4, 23, none, "SVN"},
        {"Alpine 2.26 (LRH 649 2022-06-02)", "Alpine", 2, 26, none, none, "LRH 649 2022-06-02"},
        {"Claws Mail 3.17.5 (GTK+ 2.24.32; x86_64)", "Claws Mail", 3, 17, 5, none, "GTK+"},
        {"Zimbra 8.8.15_GA_3928 (ZimbraWebClient - GC80 (Win)/8.8.15_GA_3928)", "Zimbra", 8, 8, 15, none, "GA"},
        {"Internet Messaging Program (IMP) 3.2.8", "Internet Messaging Program (IMP)", 3, 2, 8, none, none},
        {"s-nail v14.9.24", "s-nail", 14, 9, 24, none, none},
        {"Heirloom mailx 12.5 7/5/10", "Heirloom mailx", 12, 5, 7, none, "/5/10"},
        {"git-send-email 2.39.2", "git-send-email", 2, 39, 2, none, none},
        {"K-9 Mail for Android", "K", 9, none, none, none, "Mail"},
        {"ProtonMail", "ProtonMail", none, none, none, none, none},
        {"Mozilla Thunderbird", "Mozilla Thunderbird", none, none, none, none, none},
    });
}

TEST_CASE("versions of what says that it is Mozilla", "[records]") {
    const std::string windows = "Mozilla/5.0 (Windows NT 10.0) ";
    check({
        {windows + "Gecko/20100101 Thunderbird/91.4.0", "Thunderbird", 91, 4, 0, none, none},
        {windows + "Gecko/20100101 Lightning/68.2 Thunderbird/68.2.1", "Thunderbird", 68, 2, 1, none, none},
        {windows + "Thunderbird/3.1.5 Firefox/9.9", "Thunderbird", 3, 1, 5, none, none},
        {windows + "Thunderbird/9", "Thunderbird/9", none, none, none, none, none},  // too short for a version
        {windows + "Gecko/2 Netscape/7.2 (ax)", "Netscape", 7, 2, none, none, none},
        {windows + "PostboxApp/5.0.20", "<unknown browser>", none, none, none, none, none},
        {"Mozilla/4.0 (compatible; MSIE 7.0b; Windows)", "MSIE", 7, 0, none, none, "b"},
        {"Mozilla/4.0 (compatible; MSIE 7.0; Trident/4.0)", "MSIE", 8, 0, none, none, none},
        {"Mozilla/4.0 (compatible; MSIE 7.0; Trident/5.0)", "MSIE", 9, 0, none, none, none},
        {"Mozilla/4.0 (compatible; MSIE 7.0; Trident/6.0)", "MSIE", 10, 0, none, none, none},
        {"Mozilla/5.0 (Trident/7.0; rv:11.0) like Gecko", "MSIE", 11, 0, none, none, none},
        {"Mozilla/5.0 (Trident/8.0)", "MSIE", none, none, none, none, none},
        {windows + "Chrome/52.0.2 Safari/537.36 Edge/15.15063", "Edge", 15, 15063, none, none, none},
        {windows + "Chrome/52.0.2743.116 Safari/537.36", "Chrome", 52, 0, 2743, 116, none},
        {windows + "Version/5.0.4 Safari/533.20", "Safari", 5, 0, 4, none, none},
        {windows + "Version/4.0 Mobile Safari/533.1", "Safari", 4, 0, none, none, "Mobile"},
        {windows + "AppleWebKit/605.1.15 (KHTML, like Gecko)", "Unspecified WebKit", 605, 1, 15, none, none},
        {windows + "AppleWebKit/420+ AdobeAIR/1.5", "AdobeAIR", 1, 5, none, none, none},
        {windows + "Java/1.6.0_13", "Java", 1, 6, 0, 13, none},
        {"Mozilla/4.0 (compatible; MSIE 8.0) Opera 11.50", "Opera", 11, 50, none, none, none},
        {"Opera/9.80 (X11) Presto/2.12.388 Version/12.16", "Opera", 12, 16, none, none, none},
        {"Opera/9.80 (J2ME; Opera Mini/5.0.18741/18.794; U) Presto/2.4", "Opera Mini", 5, 0, 18741, none, none},
        {"Opera/9.80 (Opera Mobi/49; U) Version/10.00", "Opera Mobi", 10, 0, none, none, none},
        {"Mozilla/5.0 Flash%20Player/26.0", "Flash", 5, 0, none, none, none},
        {"Mozilla/x", "Mozilla/x", none, none, none, none, none},
        {"Opera Mail/12.16 (Win32)", "Opera Mail", 12, 16, none, none, "Win32"},
        {"A/8.1.0/Google/Pixel#2/x", "Android (Google Pixel)", 8, 1, 0, none, none},
        {"A/9/Google/Pixel", "Android (Google Pixel)", 9, none, none, none, none},
    });
}

TEST_CASE("versions in odd forms", "[records]") {
    check({
        {"", "", none, none, none, none, none},
        {"1.2.3", "", 1, 2, 3, none, none},
        {"x", "x", none, none, none, none, none},
        {"x 5", "x", 5, none, none, none, none},
        {"x5", "x5", none, none, none, none, none},
        {"(name 2.0.5)", "name", 2, 0, 5, none, none},
        {"name(2.0)", "name(", 2, 0, none, none, none},
        {"wide//1.2", "wide", 1, 2, none, none, none},
        {"a-b//1.2", "ab/", 1, 2, none, none, none},  // the first separator goes, not the last
        {"name 1.2.3.4.5", "name", 1, 2, 3, 4, none},
        {"name 1..3", "name", 1, none, 3, none, none},
        {"name 1.2 ()", "name", 1, 2, none, none, ""},
        {"name (1.2) rest of it", "name", 1, 2, none, none, "rest"},
        {"name 1.2 (;;;", "name", 1, 2, none, none, "(;;;"},
        {"name v 7x", "name", 7, none, none, none, "x"},
        {"name/99999999999999999999.2", "name", none, 2, none, none, none},  // does not fit
        {"name/18446744073709551615.2", "name", 18446744073709551615U, 2, none, none, none},
        {"Flash Player/26.0", "Flash", 26, 0, none, none, none},
        {"%C3%9Cber/2.1",
         "\xC3\x9C"
         "ber",
         2, 1, none, none, none},
        {"\\xc3\\x9c"
         "ber/2.1",
         "\xC3\x9C"
         "ber",
         2, 1, none, none, none},
        {"%u00dc%u2014/2.1", "\xDC\x20\x14", 2, 1, none, none, none},
        {"five%/2.1", "five%", 2, 1, none, none, none},
        {"a%%41", "aA", none, none, none, none, none},
        {"a%4", "a%4", none, none, none, none, none},
        {"a%", "a%", none, none, none, none, none},
        {"a%zz%", "a%zz%", none, none, none, none, none},
    });
}

TEST_CASE("parsing of versions takes time in proportion to its input, whatever that is", "[records][timing]") {
    if (test::sanitized) return test::skip("a sanitizer has a sense of time of its own");
    const std::string hostile[] = {"%",        "%%",  "\\x",      "/",     "-a",    " (",     " (v",     "(",
                                   "A/",       "A/1", "Opera ",   "MSIE ", "Java/", " Java/", "Safari/", "Mobile",
                                   "Trident/", "a ",  "Version/", "/ ",    "%u12",  " v"};
    const auto time = [](const std::string& pattern, std::size_t size) {
        std::string text = "Mozilla/5.0 ";
        while (text.size() < size) text += pattern;
        std::clock_t best = 0;
        for (int round = 0; round < 3; ++round) {
            const std::clock_t begin = std::clock();
            const std::size_t names = parsed(text).name.size() + parsed(std::string_view(text).substr(12)).name.size();
            const std::clock_t took = std::clock() - begin + (names > 3 * size ? 1 : 0);
            best = round == 0 ? took : std::min(best, took);
        }
        return static_cast<double>(best) + 1;
    };
    constexpr std::size_t size = std::size_t{1} << 19;
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

TEST_CASE("webmail by what it calls itself", "[records]") {
    struct Row {
        const char* user_agent;
        bool webmail;
    };
    const Row rows[] = {
        {"iPlanet Messenger Express 5.2", true},
        {"Sun Java(tm) System Messenger Express 6.1", true},
        {"Internet Messaging Program (IMP) 3.2.8", true},
        {"SquirrelMail/1.4.23 [SVN]", true},
        {"NeoMail 1.27", true},
        {"Zimbra 8.8.15 (ZimbraWebClient - GC80)", true},
        {"my SquirrelMail/1.4", false},
        {"squirrelmail/1.4", false},
        {"IMP 3.2", false},
        {"Thunderbird", false},
        {"", false},
    };
    for (const Row& r : rows) {
        INFO(r.user_agent);
        CHECK(matches_webmail(r.user_agent, AnalyzerOptions{}.webmail_user_agents) == r.webmail);
    }
    CHECK_FALSE(matches_webmail("SquirrelMail", {}));
    CHECK(matches_webmail("a^b", {"a^b"}));
}

TEST_CASE("which host software runs on", "[records]") {
    const AnalyzerOptions analyzer;
    const SoftwareOptions options;
    const Address server = address("192.0.2.25"), relay = address("10.0.0.1"), web = address("10.0.0.2"),
                  browser = address("10.0.0.3");

    Info rec = record("Mutt/2.2.9", {server, relay, browser});
    auto client = detect(rec, analyzer, options);
    REQUIRE(client);
    parse_version(*client);
    CHECK(client->host == browser);
    CHECK(client->software_type == "SMTP::MAIL_CLIENT");
    CHECK(client->name == "Mutt");
    CHECK(client->id == rec.id);
    CHECK(client->unparsed_version == "Mutt/2.2.9");

    rec = record("SquirrelMail/1.4.23", {server, relay, web, browser});
    rec.is_webmail = true;
    rec.first_received = "from browser ([10.0.0.3]) by web via HTTPS";
    CHECK(detect(rec, analyzer, options)->host == web);
    CHECK(detect(rec, analyzer, options)->software_type == "SMTP::WEBMAIL_SERVER");
    rec.first_received = "from browser by web with ESMTP";
    CHECK(detect(rec, analyzer, options)->host == browser);
    rec.first_received.reset();
    CHECK(detect(rec, analyzer, options)->host == browser);
    rec.is_webmail = false;
    rec.first_received = "via HTTP";
    CHECK(detect(rec, analyzer, options)->host == browser);
    rec.is_webmail = true;
    rec.path = {relay};
    CHECK(detect(rec, analyzer, options)->host == relay);

    rec = record("Mutt/2.2.9", {server, relay});
    rec.user_agent.reset();
    CHECK_FALSE(detect(rec, analyzer, options));
    CHECK_FALSE(detect(record("Mutt/2.2.9", {}), analyzer, options));
}

TEST_CASE("whose software is told", "[records]") {
    const Address local = address("10.0.0.3"), remote = address("8.8.8.8");
    struct Row {
        Address from, host;
        Host messages_from, tracked;
        bool told;
    };
    const Row rows[] = {
        {local, local, Host::local, Host::local, true},   {remote, local, Host::local, Host::local, false},
        {local, remote, Host::local, Host::local, false}, {local, remote, Host::local, Host::all, true},
        {remote, local, Host::all, Host::local, true},    {remote, remote, Host::remote, Host::remote, true},
        {local, local, Host::none, Host::all, false},     {local, local, Host::all, Host::none, false},
    };
    for (const Row& r : rows) {
        Info rec = record("Mutt/2.2.9", {r.from, r.host});
        rec.id.orig_h = r.from;
        AnalyzerOptions analyzer;
        analyzer.detect_clients_in_messages_from = r.messages_from;
        SoftwareOptions options;
        options.asset_tracking = r.tracked;
        CHECK(detect(rec, analyzer, options).has_value() == r.told);
    }
}

TEST_CASE("the same software of a host is told once a day", "[records]") {
    SoftwareTracker tracker({}, 7);
    constexpr std::int64_t day = 86400;
    const auto is_news = [&](const char* host, const char* version, std::int64_t seconds) {
        Software s = parsed(version);
        s.host = address(host);
        s.ts = at(seconds);
        return tracker.is_news(s);
    };
    CHECK(is_news("10.0.0.1", "Mutt/2.2.9", 0));
    CHECK_FALSE(is_news("10.0.0.1", "Mutt/2.2.9", 1));
    CHECK(is_news("10.0.0.1", "Mutt/2.2.10", 1));
    CHECK(is_news("10.0.0.2", "Mutt/2.2.9", 1));
    CHECK_FALSE(is_news("10.0.0.1", "Mutt/2.2.9", day - 1));
    CHECK_FALSE(is_news("10.0.0.1", "Mutt/2.2.10", day - 1));
    CHECK(is_news("10.0.0.1", "Mutt/2.2.9", day));
    CHECK_FALSE(is_news("10.0.0.1", "Mutt/2.2.9", 2 * day - 1));
    CHECK_FALSE(is_news("10.0.0.1", "Mutt/2.2.9", day - 10));  // time went back a little
    CHECK(is_news("10.0.0.1", "Mutt/2.2.9", -3 * day));        // or to another trace

    SoftwareOptions each;
    each.repeat_interval = Duration::zero();
    tracker.set_options(each);
    CHECK(is_news("10.0.0.1", "Mutt/2.2.9", 2 * day));
    CHECK(is_news("10.0.0.1", "Mutt/2.2.9", 2 * day));
}

TEST_CASE("what a tracker remembers of software is bounded", "[records]") {
    SoftwareOptions options;
    options.max_tracked = 8;
    SoftwareTracker tracker(options, 7);
    Software s;
    s.host = address("10.0.0.1");
    const auto is_news = [&](int version, std::int64_t seconds) {
        s.unparsed_version = std::to_string(version);
        s.ts = at(seconds);
        return tracker.is_news(s);
    };
    for (int i = 0; i < 8; ++i) CHECK(is_news(i, i));
    for (int i = 0; i < 8; ++i) CHECK_FALSE(is_news(i, 10));
    CHECK(is_news(8, 11));  // in the place of the stalest, which is 0
    CHECK_FALSE(is_news(1, 12));
    CHECK(is_news(0, 13));
}
