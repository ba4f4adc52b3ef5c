// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "format/lines.h"
#include "log/journal.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::format;
using namespace smtpscope::log;
using namespace std::string_literals;

namespace {

ConnId connection() {
    return {*Address::parse("10.10.1.4"), 1470, *Address::parse("74.53.140.153"), 25};
}

StringSet set_of(const std::vector<std::string>& values) {
    StringSet set;
    for (const std::string& v : values) set.insert(v);
    return set;
}

/// A record with every field set.
Info full() {
    Info r;
    r.ts = from_nanoseconds(1'254'722'768'219'663'000);
    r.uid = "CJ083QF7wpxjjL143";
    r.id = connection();
    r.trans_depth = 1;
    r.helo = "GP";
    r.mailfrom = "a@example.org";
    r.rcptto = set_of({"b@example.org", "c@example.org"});
    r.date = "Mon, 5 Oct 2009 11:36:07 +0530";
    r.from = "\"A\" <a@example.org>";
    r.to = set_of({"<b@example.org>"});
    r.cc = set_of({"C, D <c@example.org>"});
    r.reply_to = "r@example.org";
    r.msg_id = "<1@example.org>";
    r.in_reply_to = "<0@example.org>";
    r.subject = "A subject";
    r.x_originating_ip = Address::parse("2001:db8::1");
    r.first_received = "from x";
    r.second_received = "from y";
    r.last_reply = "250 OK";
    r.path = {*Address::parse("74.53.140.153"), *Address::parse("10.10.1.4")};
    r.user_agent = "Mailer 1";
    r.tls = true;
    r.fuids = {"F1", "F2"};
    r.is_webmail = false;
    return r;
}

Info bare() {
    Info r;
    r.ts = from_nanoseconds(1'000'000'000);
    r.uid = "C1";
    r.id = connection();
    r.trans_depth = 1;
    return r;
}

template <class Record>
std::string json_of(const Record& r) {
    std::vector<Value> values;
    read_values(r, values);
    std::string out;
    append_json(out, stream_of(r), values);
    return out;
}

template <class Record>
std::string tsv_of(const Record& r) {
    std::vector<Value> values;
    read_values(r, values);
    std::string out;
    append_tsv(out, values);
    return out;
}

template <class Record>
std::string brief_of(const Record& r) {
    std::string out;
    append_brief(out, r.ts, r.id, summary(r));
    return out;
}

template <class Record>
std::vector<std::string> journal_of(const Record& r) {
    std::vector<Value> values;
    read_values(r, values);
    JournalEntry entry(stream_of(r).priority, brief_of(r));
    entry.add(stream_of(r), values);
    const auto fields = entry.fields();
    return {fields.begin(), fields.end()};
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == separator)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

/// What a reader of TSV makes of an escaped string.
std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
        } else if (text.substr(i, 2) == "\\x") {
            out += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
            i += 3;
        } else {
            out += text[++i];
        }
    }
    return out;
}

/// One record by the names of its columns, as zeek-cut would read it from the whole file.
std::map<std::string, std::string> read_tsv(const std::string& file) {
    std::vector<std::string> names, types;
    std::map<std::string, std::string> record;
    std::size_t records = 0;
    for (const std::string& line : split(file, '\n')) {
        const std::vector<std::string> parts = split(line, '\t');
        if (parts[0] == "#fields") names.assign(parts.begin() + 1, parts.end());
        if (parts[0] == "#types") types.assign(parts.begin() + 1, parts.end());
        if (line.empty() || line[0] == '#') continue;
        ++records;
        REQUIRE(parts.size() == names.size());
        REQUIRE(types.size() == names.size());
        for (std::size_t i = 0; i < parts.size(); ++i) record[names[i]] = parts[i];
    }
    REQUIRE(records == 1);
    return record;
}

bool has_control(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

}  // namespace

TEST_CASE("a JSON record has the reference's keys in the reference's order", "[log]") {
    CHECK(json_of(full()) ==
          R"({"ts":1254722768.219663,"uid":"CJ083QF7wpxjjL143","id.orig_h":"10.10.1.4","id.orig_p":1470,)"
          R"("id.resp_h":"74.53.140.153","id.resp_p":25,"trans_depth":1,"helo":"GP","mailfrom":"a@example.org",)"
          R"("rcptto":["b@example.org","c@example.org"],"date":"Mon, 5 Oct 2009 11:36:07 +0530",)"
          R"("from":"\"A\" <a@example.org>","to":["<b@example.org>"],"cc":["C, D <c@example.org>"],)"
          R"("reply_to":"r@example.org","msg_id":"<1@example.org>","in_reply_to":"<0@example.org>",)"
          R"("subject":"A subject","x_originating_ip":"2001:db8::1","first_received":"from x",)"
          R"("second_received":"from y","last_reply":"250 OK","path":["74.53.140.153","10.10.1.4"],)"
          R"("user_agent":"Mailer 1","tls":true,"fuids":["F1","F2"],"is_webmail":false})"
          "\n");
}

TEST_CASE("fields that are not set are absent, empty sets are not", "[log]") {
    Info r = bare();
    CHECK(json_of(r) == R"({"ts":1.0,"uid":"C1","id.orig_h":"10.10.1.4","id.orig_p":1470,"id.resp_h":"74.53.140.153",)"
                        R"("id.resp_p":25,"trans_depth":1,"path":[],"tls":false,"fuids":[],"is_webmail":false})"
                        "\n");
    r.rcptto.emplace();
    r.subject = "";
    CHECK(json_of(r).find(R"("rcptto":[],)") != std::string::npos);
    CHECK(json_of(r).find(R"("subject":"",)") != std::string::npos);
}

TEST_CASE("fields that are switched off are in no form", "[log]") {
    using test::C, test::S;
    std::vector<test::Sent> sent = test::segments(
        test::Script{S("220 s"), C("EHLO c"), S("250-s\n250 SIZE"), C("AUTH PLAIN AHVzZXIAc2VjcmV0"), S("235 in"),
                     C("MAIL FROM:<a@x>\nRCPT TO:<b@y>\nRCPT TO:<c@y>\nDATA"), S("250 m\n250 r\n550 no\n354 d"),
                     C("From: a\nSubject: s\n\n."), S("250 2.0.0 Ok: queued as 4711")});
    for (test::Sent& packet : sent) packet.sender = {1234, 70};
    Hooks hooks;
    hooks.owner = [](const Sender&) { return Owner{"user", "a.service", "mail"}; };
    EngineOptions options;
    const Info with = test::play(sent, options, hooks).records.at(0);
    options.analyzer.extra_fields = {};
    const Info without = test::play(sent, options, hooks).records.at(0);

    const auto in_journal = [](const Info& rec, const Column& c) {
        const std::vector<std::string> all = journal_of(rec);
        return std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.starts_with(c.journal_key); });
    };
    const auto in_json = [](const Info& rec, const Column& c) {
        return json_of(rec).find(c.json_key) != std::string::npos;
    };
    std::vector<std::string> unset;
    const Stream& stream = stream_of(with);
    for (std::size_t i = *find_column(stream, "is_webmail") + 1; i < stream.columns.size(); ++i) {
        const Column& c = stream.columns[i];
        INFO(c.name);
        CHECK(in_journal(with, c) == in_json(with, c));
        if (!in_json(with, c)) unset.push_back(c.name);
        CHECK_FALSE(in_journal(without, c));
        CHECK_FALSE(in_json(without, c));
        CHECK(split(tsv_of(without), '\t')[i].starts_with("-"));
    }
    CHECK(unset == std::vector<std::string>{"tls_version", "missed_bytes", "ignored_bytes", "incomplete"});
    CHECK(brief_of(with) == brief_of(without));
}

TEST_CASE("a weird has the reference's keys", "[log]") {
    Weird w{from_nanoseconds(1'000'000'000), "C1", connection(), "smtp_unmatched_end_of_data", "", ""};
    CHECK(json_of(w) == R"({"ts":1.0,"uid":"C1","id.orig_h":"10.10.1.4","id.orig_p":1470,"id.resp_h":"74.53.140.153",)"
                        R"("id.resp_p":25,"name":"smtp_unmatched_end_of_data","notice":false})"
                        "\n");
    w.addl = "details";
    w.source = "SMTP";
    CHECK(json_of(w).find(R"("addl":"details","notice":false,"source":"SMTP"})") != std::string::npos);
    CHECK(tsv_of(w) ==
          "1.000000\tC1\t10.10.1.4\t1470\t74.53.140.153\t25\tsmtp_unmatched_end_of_data\tdetails\tF\t-\tSMTP\n");
    CHECK(brief_of(w) ==
          "1970-01-01T00:00:01.000000Z 10.10.1.4:1470 -> 74.53.140.153:25 weird smtp_unmatched_end_of_data: details "
          "(SMTP)");
}

TEST_CASE("whose process it was, and what a record lacks", "[log]") {
    Info r = bare();
    r.process_uid = 0;
    r.process_user = "root";
    r.process_unit = "postfix@-.service";
    r.container = "mail";
    r.missed_bytes = 6;
    r.ignored_bytes = 7;
    r.incomplete = "timeout";
    CHECK(json_of(r).ends_with(R"("process_uid":0,"process_user":"root","process_unit":"postfix@-.service",)"
                               R"("container":"mail","missed_bytes":6,"ignored_bytes":7,"incomplete":"timeout"})"
                               "\n"));
    CHECK(tsv_of(r).ends_with("\t0\troot\tpostfix@-.service\tmail\t6\t7\ttimeout\n"));
    const std::vector<std::string> journal = journal_of(r);
    for (const char* field :
         {"SMTP_PROCESS_UID=0", "SMTP_PROCESS_USER=root", "SMTP_PROCESS_UNIT=postfix@-.service", "SMTP_CONTAINER=mail",
          "SMTP_MISSED_BYTES=6", "SMTP_IGNORED_BYTES=7", "SMTP_INCOMPLETE=timeout"})
        CHECK(std::find(journal.begin(), journal.end(), field) != journal.end());
}

TEST_CASE("a TSV file has the reference's header and records", "[log]") {
    const std::string header = tsv_header(stream_of(full()), from_nanoseconds(0));
    const std::vector<std::string> lines = split(header, '\n');
    REQUIRE(lines.size() == 9);
    CHECK(lines[0] == "#separator \\x09");
    CHECK(lines[1] == "#set_separator\t,");
    CHECK(lines[2] == "#empty_field\t(empty)");
    CHECK(lines[3] == "#unset_field\t-");
    CHECK(lines[4] == "#path\tsmtp");
    CHECK(lines[5].starts_with("#open\t19"));
    CHECK(lines[6] ==
          "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\ttrans_depth\thelo\tmailfrom\trcptto\tdate\t"
          "from\tto\tcc\treply_to\tmsg_id\tin_reply_to\tsubject\tx_originating_ip\tfirst_received\tsecond_received\t"
          "last_reply\tpath\tuser_agent\ttls\tfuids\tis_webmail\tsubject_decoded\tfrom_decoded\tmessage_bytes\t"
          "duration\tqueue_id\treply_code\tenhanced_status\trejected_rcptto\tauth_mechanism\tauth_user\tauth_success\t"
          "direction\tcommunity_id\ttls_version\textensions\tprocess_uid\tprocess_user\tprocess_unit\t"
          "container\tmissed_bytes\tignored_bytes\tincomplete");
    CHECK(lines[7] ==
          "#types\ttime\tstring\taddr\tport\taddr\tport\tcount\tstring\tstring\tset[string]\tstring\tstring\t"
          "set[string]\tset[string]\tstring\tstring\tstring\tstring\taddr\tstring\tstring\tstring\tvector[addr]\t"
          "string\tbool\tvector[string]\tbool\tstring\tstring\tcount\tinterval\tstring\tcount\tstring\t"
          "vector[string]\tstring\tstring\tbool\tstring\tstring\tstring\tvector[string]\tcount\tstring\tstring\t"
          "string\tcount\tcount\tstring");
    CHECK(tsv_footer(from_nanoseconds(0)).starts_with("#close\t19"));

    std::string unset;  // the fields that the reference does not have
    for (int i = 0; i < 22; ++i) unset += "\t-";
    CHECK(tsv_of(full()) ==
          "1254722768.219663\tCJ083QF7wpxjjL143\t10.10.1.4\t1470\t74.53.140.153\t25\t1\tGP\ta@example.org\t"
          "b@example.org,c@example.org\tMon, 5 Oct 2009 11:36:07 +0530\t\"A\" <a@example.org>\t<b@example.org>\t"
          "C\\x2c D <c@example.org>\tr@example.org\t<1@example.org>\t<0@example.org>\tA subject\t2001:db8::1\t"
          "from x\tfrom y\t250 OK\t74.53.140.153,10.10.1.4\tMailer 1\tT\tF1,F2\tF" +
              unset + "\n");
    CHECK(tsv_of(bare()) ==
          "1.000000\tC1\t10.10.1.4\t1470\t74.53.140.153\t25\t1\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t(empty)\t"
          "-\tF\t(empty)\tF" +
              unset + "\n");
    CHECK(read_tsv(header + tsv_of(full()) + tsv_footer({}))["cc"] == "C\\x2c D <c@example.org>");
}

TEST_CASE("the brief form says what a session without an envelope was", "[log]") {
    Info r = full();
    CHECK(brief_of(r) ==
          "2009-10-05T06:06:08.219663Z 10.10.1.4:1470 -> 74.53.140.153:25 a@example.org -> b@example.org (plus 1 "
          "others) [encrypted from here on]: A subject");
    r = bare();
    r.id.orig_h = *Address::parse("2001:db8::1");
    r.helo = "client";
    r.last_reply = "221 bye";
    CHECK(brief_of(r) ==
          "1970-01-01T00:00:01.000000Z [2001:db8::1]:1470 -> 74.53.140.153:25 session without sender and recipient, "
          "helo client, last reply 221 bye");
    r.tls = true;
    CHECK(brief_of(r) ==
          "1970-01-01T00:00:01.000000Z [2001:db8::1]:1470 -> 74.53.140.153:25 encrypted session (STARTTLS), no "
          "envelope seen, helo client");
}

TEST_CASE("a journal entry has a field for each value", "[log]") {
    const std::vector<std::string> fields = journal_of(full());
    const auto count = [&](const std::string& f) { return std::count(fields.begin(), fields.end(), f); };
    CHECK(fields[0].starts_with("MESSAGE=2009-10-05T06:06:08.219663Z "));
    CHECK(count("PRIORITY=6") == 1);
    CHECK(count("SYSLOG_IDENTIFIER=smtpscope") == 1);
    CHECK(count("SMTP_STREAM=smtp") == 1);
    CHECK(count("SMTP_TS=1254722768.219663") == 1);
    CHECK(count("SMTP_MAILFROM=a@example.org") == 1);
    CHECK(count("SMTP_RCPTTO=b@example.org") == 1);
    CHECK(count("SMTP_RCPTTO=c@example.org") == 1);
    CHECK(count("SMTP_CC=C, D <c@example.org>") == 1);
    CHECK(count("SMTP_ID_ORIG_H=10.10.1.4") == 1);
    CHECK(count("SMTP_X_ORIGINATING_IP=2001:db8::1") == 1);
    CHECK(count("SMTP_PATH=10.10.1.4") == 1);
    CHECK(count("SMTP_TLS=T") == 1);

    const std::vector<std::string> weird =
        journal_of(Weird{from_nanoseconds(0), "C1", connection(), "name", "addl", "SMTP"});
    CHECK(std::count(weird.begin(), weird.end(), "WEIRD_NAME=name") == 1);
    CHECK(std::count(weird.begin(), weird.end(), "SMTP_STREAM=weird") == 1);
    CHECK(std::count(weird.begin(), weird.end(), "PRIORITY=5") == 1);
}

TEST_CASE("journald takes every key", "[log]") {
    for (const Stream& stream : streams())
        for (const Column& c : stream.columns) {
            INFO(c.journal_key);
            CHECK(c.journal_key.size() <= 65);
            CHECK(c.journal_key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == c.journal_key.size() - 1);
            CHECK(c.journal_key.back() == '=');
            CHECK(c.journal_key[0] != '_');
        }
}

TEST_CASE("more recipients than an entry may hold are cut short, and it is said", "[log]") {
    Info r = full();
    for (int i = 0; i < 3000; ++i) r.rcptto->insert("r" + std::to_string(i) + "@example.org");
    const std::vector<std::string> fields = journal_of(r);
    CHECK(fields.size() == 1001);
    CHECK(std::count(fields.begin(), fields.end(), "SMTP_LAST_REPLY=250 OK") == 1);
    REQUIRE(fields.back().starts_with("SMTP_FIELDS_LEFT_OUT="));
    CHECK(std::stoul(fields.back().substr(21)) > 2000);
}

TEST_CASE("no bytes of the network break a line or forge a field", "[log]") {
    const std::string hostile[] = {
        "\n{\"ts\":1.0,\"uid\":\"forged\"}\n",
        "\r\n",
        "a\tb\tc",
        "\"},{\"uid\":\"x",
        "\\",
        "\\\\\"",
        "-",
        "(empty)",
        "",
        ",",
        "a,b",
        "#close\t",
        "\0"s,
        "\x1b]0;title\x07",
        "\xe2\x80\xa8",
        "\xc2\x85",
        "\xff\xfe\n\t,\\",
        "SMTP_MAILFROM=x\nPRIORITY=0\n",
        "\xc3",
        "x\xf0\x9f\x93",
        "%s%n",
        "\x7f",
    };
    std::string every;
    for (int i = 0; i < 256; ++i) every += static_cast<char>(i);

    const auto check = [](const std::string& bytes) {
        Info r = full();
        r.helo = r.mailfrom = r.date = r.from = r.reply_to = r.msg_id = r.in_reply_to = r.subject = bytes;
        r.first_received = r.second_received = r.last_reply = r.user_agent = bytes;
        r.rcptto = r.to = r.cc = set_of({bytes, "another"});
        r.fuids = {bytes};
        r.uid = bytes;

        const std::string json = json_of(r);
        CHECK(json.find('\n') == json.size() - 1);
        CHECK(!has_control(json.substr(0, json.size() - 1)));
        CHECK(json.find("\"uid\":\"forged\"") == std::string::npos);

        const std::string tsv = tsv_of(r);
        CHECK(tsv.find('\n') == tsv.size() - 1);
        auto record = read_tsv(tsv_header(stream_of(r), r.ts) + tsv);
        CHECK(unescape(record["subject"]) == (bytes.empty() ? "(empty)" : bytes));
        CHECK(unescape(record["user_agent"]) == (bytes.empty() ? "(empty)" : bytes));
        CHECK(record["is_webmail"] == "F");
        CHECK(split(record["rcptto"], ',').size() == 2);

        CHECK(!has_control(brief_of(r)));
        CHECK(brief_of(r).find("\xe2\x80\xa8") == std::string::npos);

        const std::vector<std::string> fields = journal_of(r);
        CHECK(std::count(fields.begin(), fields.end(), "SMTP_SUBJECT=" + bytes) == 1);
        CHECK(std::count_if(fields.begin(), fields.end(), [](const auto& f) { return f.starts_with("PRIORITY="); }) ==
              1);
        CHECK(!has_control(fields[0]));

        const Weird w{r.ts, bytes, connection(), bytes, bytes, bytes};
        CHECK(json_of(w).find('\n') == json_of(w).size() - 1);
        read_tsv(tsv_header(stream_of(w), w.ts) + tsv_of(w));
        CHECK(!has_control(brief_of(w)));
    };
    for (const std::string& bytes : hostile) check(bytes);
    check(every);
    for (const char c : every) check(std::string(1, c));
}
