// SPDX-License-Identifier: BSD-3-Clause
// Policies and privacy: what a rule matches, what a row of rules decides, what stands in a hidden field's place.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "catch.h"
#include "config/config.h"
#include "log/policy.h"
#include "log/privacy.h"
#include "log/rendering.h"

using namespace smtpscope;
using namespace smtpscope::log;

namespace {

Options options_of(const std::string& policy, const std::string& privacy = "plain") {
    return config::parse("log: { policy: [" + policy + "], privacy: " + privacy + " }", "x.yaml", {}).log;
}

std::string error_of(const std::string& policy) {
    try {
        options_of(policy);
    } catch (const config::Error& e) {
        return e.what();
    }
    return {};
}

StringSet set_of(const std::vector<std::string>& values) {
    StringSet set;
    for (const std::string& v : values) set.insert(v);
    return set;
}

Info mail() {
    Info r;
    r.ts = from_nanoseconds(1'700'000'000'500'000'000);
    r.uid = "C1";
    r.id = {*Address::parse("10.1.2.3"), 40000, *Address::parse("2001:db8::25"), 25};
    r.trans_depth = 1;
    r.mailfrom = "Alice@Example.ORG";
    r.rcptto = set_of({"bob@example.net", "carol@example.net"});
    r.subject = "Invoice \xc3\x9c\xff 7";
    r.subject_decoded = "Invoice";
    r.from = "Alice <alice@example.org>";
    r.last_reply = "550 5.1.1 <bob@example.net>: unknown";
    r.reply_code = 550;
    r.duration = std::chrono::milliseconds(1500);
    r.path = {r.id.resp_h, r.id.orig_h};
    r.rejected_rcptto = {"bob@example.net: 550 5.1.1 <bob@example.net>: unknown"};
    r.auth_user = "alice";
    return r;
}

/// What becomes of a record: its line, or nothing if it is dropped.
template <class Record>
std::string line_of(const Policy& policy, const Record& rec, Format format = Format::json) {
    Rendering::Buffers buffers;
    Rendering rendering(rec, buffers);
    if (!rendering.obey(policy)) return {};
    return std::string(rendering.line(format));
}

bool applies(const std::string& when) {
    return line_of(Policy(options_of("{ when: { " + when + " }, action: drop }")), mail()).empty();
}

std::string member(const std::string& json, const std::string& name) {
    const std::string key = "\"" + name + "\":";
    const std::size_t begin = json.find(key);
    if (begin == json.npos) return "-";
    const std::size_t end = json.find(",\"", begin);
    return json.substr(begin + key.size(), std::min(end, json.find_last_of('}')) - begin - key.size());
}

/// A file that goes away with it.
struct KeyFile {
    std::string path;
    KeyFile(const std::string& content, mode_t mode) {
        char name[] = "/tmp/smtpscope-key.XXXXXX";
        const int fd = ::mkstemp(name);
        path = name;
        ::close(fd);
        std::ofstream(path) << content;
        ::chmod(path.c_str(), mode);
    }
    ~KeyFile() { ::unlink(path.c_str()); }
    Privacy privacy() const { return {Preset::plain, path}; }
};

const std::string key = "0123456789abcdef";

}  // namespace

TEST_CASE("what a condition holds for", "[policy]") {
    struct Row {
        const char* when;
        bool holds;
    };
    const Row rows[] = {
        // text: the whole of it, regardless of case
        {"mailfrom: alice@example.org", true},
        {"mailfrom: alice@example.or", false},
        {"mailfrom: \"*@example.org\"", true},
        {"mailfrom: \"*@example.com\"", false},
        {"mailfrom: \"?lice@*\"", true},
        {"mailfrom: \"*lice@*.org*\"", true},
        {"mailfrom: \"*\"", true},
        {"mailfrom: { equals: \"*@example.org\" }", false},
        {"mailfrom: \"a.ice@example.org\"", false},
        {"mailfrom: [x@example.org, \"*@example.org\"]", true},
        {"mailfrom: [x@example.org, y@example.org]", false},
        {"subject: \"inv*7\"", true},  // past bytes that are no UTF-8
        {"subject: \"* \xc3\xbc? 7\"", true},
        {"helo: \"*\"", false},  // not set
        // regular expressions: anywhere, as they are
        {"mailfrom: { regex: Example }", true},
        {"mailfrom: { regex: example }", false},
        {"mailfrom: { regex: \"(?i)example\" }", true},
        {"mailfrom: { regex: \"^lice\" }", false},
        {"mailfrom: { regex: [\"^x\", \"ORG$\"] }", true},
        {"mailfrom: { regex: \"(a*)*b\" }", false},
        // sets and vectors: one element is enough
        {"rcptto: carol@example.net", true},
        {"rcptto: \"dave@*\"", false},
        {"path: 10.0.0.0/8", true},
        {"path: 192.0.2.0/24", false},
        // addresses
        {"id.orig_h: 10.1.2.3", true},
        {"id.orig_h: 10.0.0.0/8", true},
        {"id.orig_h: { cidr: [192.0.2.0/24, 10.1.2.0/24] }", true},
        {"id.orig_h: { equals: 10.1.2.4 }", false},
        {"id.resp_h: \"2001:db8::/32\"", true},
        {"id.resp_h: 0.0.0.0/0", false},
        {"x_originating_ip: 0.0.0.0/0", false},
        // numbers, times, intervals
        {"reply_code: 550", true},
        {"reply_code: [250, 550]", true},
        {"reply_code: { ge: 550 }", true},
        {"reply_code: { gt: 550 }", false},
        {"reply_code: { le: 550 }", true},
        {"reply_code: { lt: 550 }", false},
        {"reply_code: { \">\": 500, \"<\": 600 }", true},
        {"reply_code: { \">=\": 500, \"<=\": 549 }", false},
        {"reply_code: { gt: 9223372036854775807 }", false},
        {"reply_code: { lt: 0 }", false},
        {"id.resp_p: 25", true},
        {"ts: { ge: 1700000000.5, le: 1700000000.500000 }", true},
        {"ts: { gt: 1700000000.5 }", false},
        {"duration: { ge: 1500ms }", true},
        {"duration: { gt: 1.5 }", false},
        {"duration: { lt: 1m }", true},
        {"message_bytes: { ge: 0 }", false},  // not set
        // flags
        {"tls: false", true},
        {"tls: true", false},
        {"auth_success: false", false},  // not set
        // presence
        {"subject: { present: true }", true},
        {"helo: { present: true }", false},
        {"helo: { present: false }", true},
        {"fuids: { present: true }", false},  // an empty list
        {"tls: { present: true }", true},
        // all conditions have to hold
        {"mailfrom: \"*@example.org\", reply_code: 550", true},
        {"mailfrom: \"*@example.org\", reply_code: 250", false},
        {"rcptto: { glob: \"bob@*\", regex: \"^carol\" }", true},
    };
    for (const Row& row : rows) {
        INFO(row.when);
        CHECK(applies(row.when) == row.holds);
    }
}

TEST_CASE("rules are asked in their order", "[policy]") {
    const std::string plain = member(line_of(Policy(options_of("{ hide: { helo: omit } }")), mail()), "subject");
    const std::string ours = "when: { mailfrom: \"*@example.org\" }", others = "when: { mailfrom: \"*@example.com\" }";
    const struct {
        std::string name, rules, subject;
    } rows[] = {
        {"no rule applies", "{ " + others + ", action: drop }", plain},
        {"drop", "{ " + ours + ", action: drop }", "dropped"},
        {"keep before drop", "{ " + ours + ", action: keep }, { action: drop }", plain},
        {"drop before keep", "{ action: drop }, { " + ours + ", action: keep }", "dropped"},
        {"hide before drop: dropped", "{ hide: { subject: omit } }, { " + ours + ", action: drop }", "dropped"},
        {"hide before keep: hidden", "{ hide: { subject: omit } }, { action: keep }", "-"},
        {"keep before hide: plain", "{ " + ours + ", action: keep }, { hide: { subject: omit } }", plain},
        {"hide that does not apply", "{ " + others + ", hide: { subject: omit } }", plain},
        {"hide and keep in one", "{ " + ours + ", hide: { subject: omit }, action: keep }, { action: drop }", "-"},
        {"a hidden field is still compared by its value",
         "{ hide: { mailfrom: omit } }, { " + ours + ", action: drop }", "dropped"},
        {"hidden twice: the first says how", "{ hide: { subject: omit } }, { hide: { subject: sha256 } }", "-"},
        {"rules of other streams", "{ stream: weird, action: drop }, { stream: files, hide: { filename: omit } }",
         plain},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        const std::string line = line_of(Policy(options_of(row.rules)), mail());
        CHECK((line.empty() ? "dropped" : member(line, "subject")) == row.subject);
    }
}

TEST_CASE("a preset holds whatever the rules say", "[policy]") {
    const auto subject = [](const std::string& rules, const std::string& preset) {
        return member(line_of(Policy(options_of(rules, preset)), mail()), "subject");
    };
    CHECK(subject("{ action: keep }", "no-content") == "-");
    CHECK(subject("{ hide: { subject: sha256 } }", "no-content") == "-");
    CHECK(subject("{ hide: { subject: omit } }", "pseudonymous") == "-");
    CHECK(subject("{ hide: { subject: addresses } }", "pseudonymous").size() == 66);
    CHECK(line_of(Policy(options_of("{ action: drop }", "no-content")), mail()).empty());
}

TEST_CASE("what repeats a hidden field is hidden with it", "[policy]") {
    const auto line = [](const std::string& hide) {
        return line_of(Policy(options_of("{ hide: { " + hide + " } }")), mail());
    };
    CHECK(member(line("subject: omit"), "subject_decoded") == "-");
    CHECK(member(line("subject: omit, subject_decoded: sha256"), "subject_decoded").size() == 66);
    CHECK(member(line("mailfrom: omit"), "subject_decoded") == "\"Invoice\"");
    const std::string hashed = line("rcptto: sha256");
    const std::string refused = member(hashed, "rejected_rcptto");
    CHECK(refused.substr(66) == ": 550 5.1.1\"]");
    CHECK(member(hashed, "rcptto").find(refused.substr(2, 64)) != std::string::npos);  // joinable
}

TEST_CASE("the keyed hash is HMAC-SHA-256", "[policy]") {
    // RFC 4231, test cases 1, 2 and 6.
    CHECK(files::KeyedHash(std::string(20, '\x0b'))("Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(files::KeyedHash("Jefe")("what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(files::KeyedHash(std::string(131, '\xaa'))("Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("addresses within a text", "[policy]") {
    const files::KeyedHash hash(key);
    const auto h = [&hash](const char* address) { return hash(address); };
    const struct {
        const char* text;
        std::string expected;
    } rows[] = {
        {"", ""},
        {"no address", "no address"},
        {"a@x", h("a@x")},
        {"<a@x.example>: unknown", "<" + h("a@x.example") + ">: unknown"},
        {"from a@x.example, to b@y.example.", "from " + h("a@x.example") + ", to " + h("b@y.example") + "."},
        {"\"a b\"@x is odd", h("\"a b\"@x") + " is odd"},
        {"say \"hi\" to a@x", "say \"hi\" to " + h("a@x")},
        {"a@[192.0.2.1] b", h("a@[192.0.2.1]") + " b"},
        {"\xc3\xbc@\xc3\xb6.example", h("\xc3\xbc@\xc3\xb6.example")},
        {"@", "@"},
        {"at @ large", "at @ large"},
        {"a@b@c", h("a@b") + h("@c")},
        {"a@", h("a@")},
        {"@host:a@x", h("@host") + ":" + h("a@x")},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        CHECK(hide_addresses(row.text, hash) == row.expected);
    }
}

TEST_CASE("replies without their text", "[policy]") {
    const struct {
        const char* reply;
        const char* expected;
    } rows[] = {{"250 2.0.0 Ok: queued as 1", "250 2.0.0"},
                {"550 5.1.1 <bob@x>", "550 5.1.1"},
                {"550 bob@x", "550"},
                {"550 5.1.1bob@x", "550"},
                {"220", "220"},
                {"0 text", "0"},
                {"12345 text", "123"},
                {"text", ""},
                {"", ""}};
    for (const auto& row : rows) {
        INFO(row.reply);
        CHECK(hide_reply_text(row.reply) == row.expected);
    }
    const struct {
        const char* entry;
        const char* address;
        const char* reply;
    } refusals[] = {{"bob@x: 550 5.1.1 no bob@x", "bob@x", "550 5.1.1"},
                    {": 550 no", "", "550"},
                    {"\"a: b\"@x: 450 later", "\"a: b\"@x", "450"},
                    {"\"a: 550 secret\"@x: 450 later", "\"a", "550"},  // what is unclear is left out
                    {"bob", "bob", ""}};
    for (const auto& row : refusals) {
        INFO(row.entry);
        CHECK(split_refusal(row.entry).address == row.address);
        CHECK(split_refusal(row.entry).reply == row.reply);
    }
}

TEST_CASE("columns of hashes are columns of strings", "[policy]") {
    const auto type = [](const Policy& p, std::string_view field) {
        const format::Stream& stream = p.streams().front();
        return stream.columns[*format::find_column(stream, field)].type;
    };
    const Policy hashed(
        options_of("{ when: { tls: true }, hide: { id.orig_h: sha256, path: sha256, subject: sha256 } }"));
    CHECK(type(hashed, "id.orig_h") == "string");
    CHECK(type(hashed, "path") == "vector[string]");
    CHECK(type(hashed, "subject") == "string");
    CHECK(type(hashed, "id.resp_h") == "addr");
    CHECK(type(Policy(options_of("{ hide: { id.orig_h: omit } }")), "id.orig_h") == "addr");
}

TEST_CASE("the brief form says no more than the fields", "[policy]") {
    const auto brief = [](const std::string& hide, const Info& rec) {
        return line_of(Policy(options_of("{ hide: { " + hide + " } }")), rec, Format::brief);
    };
    CHECK(
        brief("subject: omit", mail()) ==
        "2023-11-14T22:13:20.500000Z 10.1.2.3:40000 -> [2001:db8::25]:25 Alice@Example.ORG -> bob@example.net (plus 1 "
        "others): (hidden)\n");
    CHECK(brief("ts: omit, id.orig_h: omit, id.resp_p: omit, mailfrom: omit, rcptto: omit, subject: omit", mail()) ==
          "- -:40000 -> 2001:db8::25:- (hidden) -> (hidden): (hidden)\n");
    CHECK(brief("id.orig_h: sha256", mail()).substr(28, 4) != "10.1");
    Info session = mail();
    session.mailfrom.reset();
    session.rcptto.reset();
    session.subject.reset();
    session.helo = "secret.example";
    CHECK(brief("helo: omit, last_reply: code", session)
              .find("session without sender and recipient, helo (hidden), "
                    "last reply 550 5.1.1\n") != std::string::npos);
    Info refused = mail();
    refused.subject.reset();
    refused.reply_code = 550;
    refused.enhanced_status = "5.1.1";
    refused.rejected_rcptto = {"carol@example.net: 550 5.1.1 who"};
    refused.rejection = {550, "5.1.1"};
    refused.recipients = 2;
    refused.rejected_recipients = 1;
    const auto end_of = [&](const std::string& hide) {
        const std::string line = brief(hide, refused);
        return line.substr(line.find(" others)") + 8);
    };
    CHECK(end_of("helo: omit") == " REFUSED 550 5.1.1 (1 of 2)\n");
    CHECK(end_of("enhanced_status: omit") == " REFUSED 550 (1 of 2)\n");
    CHECK(end_of("reply_code: omit") == "\n");
    CHECK(end_of("rejected_rcptto: omit") == " REFUSED 550 5.1.1\n");
    CHECK(brief("rcptto: omit", refused).find("(hidden) REFUSED 550 5.1.1\n") != std::string::npos);
    refused.reply_code = 250;  // the others were accepted
    CHECK(end_of("helo: omit") == " REFUSED 550 5.1.1 (1 of 2)\n");
    CHECK(end_of("rejected_rcptto: omit") == "\n");
    FileInfo file;
    file.filename = "secret.pdf";
    file.mime_type = "application/pdf";
    CHECK(line_of(Policy(options_of("{ stream: files, hide: { filename: omit } }")), file, Format::brief)
              .find("file (hidden), application/pdf, 0 B") != std::string::npos);
}

TEST_CASE("what is dropped is counted by stream", "[policy]") {
    const Policy policy(options_of("{ action: drop }", "no-content"));
    line_of(policy, mail());
    line_of(policy, mail());
    line_of(policy, Weird{});
    line_of(policy, Software{});
    CHECK(policy.dropped() == std::vector<std::uint64_t>{2, 0, 0, 0, 0, 1});
    CHECK(make_policy(options_of("")) == nullptr);
}

TEST_CASE("presets are rules that can be compiled", "[policy]") {
    for (const Preset preset : {Preset::no_content, Preset::pseudonymous}) {
        const auto rules = rules_of(preset);
        CHECK_FALSE(rules.empty());
        for (const Rule& rule : rules) {
            const auto all = format::streams();
            const auto stream =
                std::find_if(all.begin(), all.end(), [&](const format::Stream& s) { return s.name == rule.stream; });
            REQUIRE(stream != all.end());
            CHECK_NOTHROW(CompiledRule(rule, *stream));
        }
    }
    CHECK(rules_of(Preset::plain).empty());
}

TEST_CASE("the key file", "[policy]") {
    CHECK(key_of(KeyFile(key, 0600).privacy()) == key);
    CHECK(key_of(KeyFile(key + "\n", 0640).privacy()) == key);
    const auto refused = [](const KeyFile& file) -> std::string {
        try {
            key_of(file.privacy());
        } catch (const std::runtime_error& e) {
            return e.what();
        }
        return {};
    };
    CHECK(refused(KeyFile(key, 0644)).find("others can read or change it; make it 0600") != std::string::npos);
    CHECK(refused(KeyFile(key, 0660)).find("others can read or change it") != std::string::npos);
    CHECK(refused(KeyFile(key.substr(1), 0600)).find("from 16 to 4096 bytes") != std::string::npos);
    CHECK(refused(KeyFile(std::string(4097, 'k'), 0600)).find("from 16 to 4096 bytes") != std::string::npos);
    CHECK(key_of(KeyFile(std::string(4096, 'k'), 0600).privacy()).size() == 4096);
    CHECK_THROWS(key_of({Preset::plain, "/nonexistent/key"}));
    CHECK_THROWS(key_of({Preset::plain, "/tmp"}));
    CHECK(key_of({}).size() == 32);
    CHECK(key_of({}) == key_of({}));
}

TEST_CASE("whether a key lasts", "[policy]") {
    CHECK_FALSE(has_passing_key(options_of("{ hide: { subject: omit } }")));
    CHECK_FALSE(has_passing_key(options_of("", "no-content")));
    CHECK(has_passing_key(options_of("{ hide: { subject: sha256 } }")));
    CHECK(has_passing_key(options_of("", "pseudonymous")));
    CHECK_FALSE(has_passing_key(options_of("", "{ preset: pseudonymous, key_file: /etc/key }")));
}

TEST_CASE("bad rules are refused at their place", "[policy]") {
    // The first rule begins at column 17.
    const struct {
        const char* rule;
        const char* error;
    } rows[] = {
        {"{ when: { mailfrm: x }, action: drop }",
         "x.yaml:1:27: log.policy: there is no field mailfrm in the smtp stream; the nearest is mailfrom."},
        {"{ when: { id: x }, action: drop }",
         "x.yaml:1:27: log.policy: there is no field id in the smtp stream; the nearest is id.orig_h."},
        {"{ stream: files, when: { subject: x }, action: drop }",
         "x.yaml:1:42: log.policy: there is no field subject in the files stream; the nearest is source."},
        {"{ when: { mailfrom: { regex: \"a(\" } }, action: drop }",
         "x.yaml:1:46: log.policy: mailfrom: \"a(\" is not a regular expression that RE2 takes: missing ): a(."},
        {"{ when: { mailfrom: { regex: [a, \"(?<=b)\"] } }, action: drop }",
         "x.yaml:1:50: log.policy: mailfrom: \"(?<=b)\" is not a regular expression"},
        {"{ when: { mailfrom: { cidr: 10.0.0.0/8 } }, action: drop }",
         "x.yaml:1:45: log.policy: mailfrom: this is text, which cidr does not compare; it takes equals, glob, regex "
         "or "
         "present."},
        {"{ when: { subject: { ge: 3 } }, action: drop }",
         "x.yaml:1:42: log.policy: subject: this is text, which ge does not compare"},
        {"{ when: { id.orig_h: { regex: x } }, action: drop }",
         "log.policy: id.orig_h: this is an address, which regex does not compare; it takes equals, cidr or present."},
        {"{ when: { id.orig_h: 10.0.0.0/33 }, action: drop }", "\"10.0.0.0/33\" is not an address or a network"},
        {"{ when: { id.orig_h: { equals: 10.0.0.0/8 } }, action: drop }", "\"10.0.0.0/8\" is not an address"},
        {"{ when: { reply_code: many }, action: drop }", "reply_code: \"many\" is not a number."},
        {"{ when: { reply_code: -1 }, action: drop }", "reply_code: \"-1\" is not a number."},
        {"{ when: { reply_code: 99999999999999999999 }, action: drop }", "is not a number."},
        {"{ when: { ts: { ge: yesterday } }, action: drop }", "\"yesterday\" is not a time in seconds since 1970"},
        {"{ when: { duration: 5x }, action: drop }", "\"5x\" is not an interval"},
        {"{ when: { tls: maybe }, action: drop }", "tls: \"maybe\" is not true or false."},
        {"{ when: { tls: [true, false] }, action: drop }", "equals takes one value here."},
        {"{ when: { helo: { present: yes } }, action: drop }", "\"yes\" is not true or false."},
        {"{ when: { subject: [] }, action: drop }", "subject: the list is empty; it needs a value."},
        {"{ when: { subject: {} }, action: drop }", "subject: the section is empty; it needs a comparison."},
        {"{ when: { subject: }, action: drop }", "subject has nothing to be compared with"},
        {"{ when: { subject: { glob: { a: b } } }, action: drop }", "a section is not a value to compare with."},
        {"{ when: { subject: { globb: a } }, action: drop }", "the nearest is glob."},
        {"{ when: { subject: a, subject: b }, action: drop }", "when.subject is given twice"},
        {"{ when: [subject], action: drop }", "when is a section"},
        {"{ hide: { subject: md5 } }", "x.yaml:1:36: log.policy: \"md5\" is not one of omit, sha256, code, addresses"},
        {"{ hide: { subjct: omit } }", "there is no field subjct in the smtp stream; the nearest is subject."},
        {"{ hide: { tls: sha256 } }", "tls is neither text nor an address, which sha256 hides; omit it."},
        {"{ hide: { id.orig_h: addresses } }", "id.orig_h is no text that could hold mail addresses."},
        {"{ hide: { helo: code } }", "code is for replies (last_reply and rejected_rcptto)"},
        {"{ action: delete }", "\"delete\" is not one of keep, drop"},
        {"{ stream: smpt, action: drop }", "\"smpt\" is not one of smtp, weird, files, ssl, notice, software"},
        {"{ when: {} }", "a rule needs an action (keep, drop or drop-record) or fields to hide."},
        {"{ hide: { subject: omit }, action: drop }", "of a record that is dropped there is nothing to hide"},
        {"{ acton: drop }", "there is no key acton; the nearest is action."},
        {"drop", "a rule is a section, such as"},
    };
    for (const auto& row : rows) {
        INFO(row.rule);
        const std::string error = error_of(row.rule);
        INFO(error);
        CHECK(error.find(row.error) != std::string::npos);
    }
}

TEST_CASE("rules survive a dump", "[policy]") {
    const Options options = options_of(
        "{ when: { mailfrom: [\"*@a\", \"no\"], reply_code: { \">=\": 500, lt: 600 }, id.orig_h: 10.0.0.0/8, "
        "duration: { gt: 1m30s } }, action: keep }, { stream: files, hide: { filename: sha256 } }, { when: { subject: "
        "{ "
        "regex: \"\\\\d+\\\"\" } }, hide: { subject: omit, last_reply: code, helo: addresses } }",
        "{ preset: pseudonymous, key_file: /etc/smtpscope/key }");
    config::Config config;
    config.log = options;
    const std::string dumped = config::dump(config);
    CHECK(config::parse(dumped, "dumped", {}).log == options);
    CHECK(config::parse(dumped, "dumped", {"log.privacy=plain"}).log.privacy.preset == Preset::plain);
}
