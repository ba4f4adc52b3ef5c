// SPDX-License-Identifier: BSD-3-Clause
// A policy that drops a mail drops what belongs to it: records of other streams, and what was extracted.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "catch.h"
#include "config/config.h"
#include "files/extract.h"
#include "log/policy.h"
#include "support_folder.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

constexpr const char* drop_x = R"({ when: { mailfrom: "*@x" }, action: drop })";
/// What has no sender is dropped too.
constexpr const char* keep_y = R"({ when: { mailfrom: "*@y" }, action: keep }, { action: drop })";

EngineOptions options_with(const std::string& rules) {
    EngineOptions options;
    options.policy = log::make_policy(config::parse("log: { policy: [" + rules + "] }", "x.yaml", {}).log);
    options.analyzer.detect_clients_in_messages_from = Host::all;
    options.software.asset_tracking = Host::all;
    options.notices.failed_auths = 2;
    return options;
}

/// How much of each stream there is.
std::string told(const Recorder& out) {
    std::string text = "smtp";
    for (const Info& rec : out.records) text += " " + rec.mailfrom.value_or("-");
    const std::pair<const char*, std::size_t> streams[] = {{"files", out.files.size()},
                                                           {"weird", out.weirds.size()},
                                                           {"ssl", out.handshakes.size()},
                                                           {"notice", out.notices.size()},
                                                           {"software", out.clients.size()}};
    for (const auto& [name, n] : streams)
        if (n > 0) text += ", " + std::to_string(n) + " " + name;
    return text;
}

const std::string refusal = "550 blocked using zen.spamhaus.org";

/// Two parts, something odd in one of them, a refusal that makes a notice, and a mail program.
Script rich(const std::string& name) {
    return {C("MAIL FROM:<a@" + name + ">\nRCPT TO:<b@" + name + ">\nRCPT TO:<c@" + name + ">\nDATA"),
            S("250 m\n250 r\n" + refusal + "\n354 d"),
            C("User-Agent: Thunderbird 1.5\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"
              "Content-Transfer-Encoding: base64\n\nQUJD*QUJD\n--b--\n."),
            S("250 q")};
}
const char* const all_of_rich = ", 2 files, 1 weird, 1 notice, 1 software";

std::string client_hello() {
    const std::string body = "\3\3"s + std::string(32, 'r') + "\0\0\2\xc0\x2f\1\0\0\0"s;
    const auto size = [](std::size_t n) { return std::string(1, '\0') + static_cast<char>(n); };
    return "\x16\3\1"s + size(body.size() + 4) + "\1\0"s + size(body.size()) + body;
}

const Script starttls = {C("STARTTLS"), S("220 go"), raw(Side::orig, client_hello())};
const Script failed_logins = {C("AUTH PLAIN AGEAYg=="), S("535 no"), C("AUTH PLAIN AGEAYg=="), S("535 no")};

}  // namespace

TEST_CASE("what belongs to a mail shares its fate", "[records]") {
    struct Row {
        const char* name;
        const char* rules;
        Script script;
        std::string expected;
        std::uint64_t with_mail, without_mail;
    };
    const Script content_without_mail = {C("DATA"), S("354 d"), C("Subject: s\n\nQ\n."), S("250 q")};
    const Script open_x = {C("MAIL FROM:<a@x>\nRCPT TO:<b@x>\nDATA"), S("250 m\n250 r\n354 d")};
    const Row rows[] = {
        {"nothing is dropped", R"({ hide: { subject: omit } })", rich("x"), "smtp a@x"s + all_of_rich, 0, 0},
        {"another one is", drop_x, rich("y"), "smtp a@y"s + all_of_rich, 0, 0},
        {"dropped", drop_x, rich("x"), "smtp", 4, 0},
        {"the record alone", R"({ action: drop-record })", rich("x"), "smtp a@x"s + all_of_rich, 0, 0},
        {"the rule before decides", R"({ action: drop-record }, { action: drop })", rich("x"),
         "smtp a@x"s + all_of_rich, 0, 0},
        // The notice has been told, once an hour; what was odd is heard with the second mail.
        {"dropped, then kept", drop_x, rich("x") + rich("y"), "smtp a@y, 2 files, 1 weird, 1 software", 4, 0},
        {"kept, then dropped", drop_x, rich("y") + rich("x"), "smtp a@y"s + all_of_rich, 2, 0},
        {"files", R"({ stream: files, when: { depth: 3 }, action: drop })", rich("x"),
         "smtp a@x, 1 files, 1 weird, 1 notice, 1 software", 0, 0},
        {"TLS, dropped", keep_y, starttls, "smtp", 1, 0},
        {"TLS, kept", drop_x, starttls, "smtp -, 1 ssl", 0, 0},
        {"TLS after a mail that was dropped", drop_x, rich("x") + starttls, "smtp -, 1 ssl", 4, 0},
        {"no mail", keep_y, failed_logins, "smtp, 1 notice", 0, 0},
        {"before a mail that is dropped", drop_x, failed_logins + mail("x"), "smtp", 2, 0},
        {"before one that is kept", drop_x, failed_logins + mail("y"), "smtp a@y, 1 files, 1 notice", 0, 0},
        {"between mails, of which one is kept", drop_x, mail("x") + failed_logins + mail("y"),
         "smtp a@y, 1 files, 1 notice", 1, 0},
        {"after one that is kept", drop_x, mail("y") + failed_logins + mail("x"), "smtp a@y, 1 files, 1 notice", 1, 0},
        {"after one that is dropped", drop_x, mail("x") + failed_logins, "smtp", 2, 0},
        {"content without a transaction", drop_x, content_without_mail, "smtp", 0, 2},
        {"content without a transaction, after a mail", drop_x, mail("y") + content_without_mail, "smtp a@y, 1 files",
         0, 2},
        {"content without a transaction, then a mail", drop_x, content_without_mail + mail("y"), "smtp a@y, 1 files", 0,
         2},
        {"DATA that is refused", drop_x, {C("DATA"), S("503 no")}, "smtp, 1 weird", 0, 0},
        {"the end of the mail before is lost", drop_x,
         open_x + Script{C("one"), lost(Side::orig, 40), C("two\n."), S("250 q")}, "smtp", 1, 0},
        {"the reply comes before the content's end", drop_x,
         open_x + Script{C("\none"), S("250 q"), C("MAIL FROM:<a@y>\n."), C("QUIT"), S("221 b")}, "smtp", 1, 0},
        {"the capture ends before the mail does", drop_x, open_x + Script{C("\ntext")}, "smtp", 1, 0},
        {"the refused MAIL of the one that goes on", drop_x,
         Script{C("MAIL FROM:<a@x>\nRCPT TO:<b@x>"), S("250 m\n" + refusal), C("MAIL FROM:<a@x>"), S("503 nested"),
                C("RCPT TO:<b@x>\nDATA"), S("250 r\n354 d"), C("\ntext\n."), S("250 q")},
         "smtp", 2, 0},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Recorder out;
        Engine engine(options_with(r.rules), out);
        for (const Sent& s : segments(hello() + r.script)) send(engine, s);
        engine.finish();
        CHECK(told(out) == r.expected);
        const EngineStats stats = engine.stats();
        CHECK(stats.dropped_with_mail == r.with_mail);
        CHECK(stats.dropped_without_mail == r.without_mail);
        CHECK(stats.dropped_waiting == 0);
        CHECK(stats.waiting_memory == 0);
    }
}

TEST_CASE("records wait for their mail, and no longer", "[records]") {
    Recorder out;
    Engine engine(options_with(drop_x), out);
    Script script = hello() + rich("y");
    const Turn reply = script.back();
    script.pop_back();
    for (const Sent& s : segments(script, {1000, 2000000000, true, false, {}})) send(engine, s);
    CHECK(told(out) == "smtp");
    CHECK(engine.stats().waiting_memory > 1000);
    SECTION("the mail is decided on") {
        const auto all = segments(script + Script{reply}, {1000, 2000000000, true, false, {}});
        send(engine, all.back());
        CHECK(told(out) == "smtp a@y"s + all_of_rich);
    }
    SECTION("the policy goes, and with it the wait") {
        engine.set_options(options_with("{ hide: { subject: omit } }"));
        engine.finish();
        CHECK(told(out) == "smtp a@y"s + all_of_rich);
    }
    SECTION("a policy comes that drops it") {
        engine.set_options(options_with("{ action: drop }"));
        engine.finish();
        CHECK(told(out) == "smtp");
    }
    CHECK(engine.stats().waiting_memory == 0);
}

namespace {

Script many_parts(int n) {
    std::string text = "Content-Type: multipart/mixed; boundary=b\n\n";
    for (int i = 0; i < n; ++i) text += "--b\n\ntext\n";
    return {C("MAIL FROM:<a@y>\nRCPT TO:<b@y>\nDATA"), S("250 m\n250 r\n354 d"), C(text + "--b--\n."), S("250 q")};
}

/// Sends all but the reply to the message.
void begin(Engine& engine, const Script& script, std::uint16_t port) {
    ConnId id = mail_id();
    id.orig_p = port;
    const Script most(script.begin(), script.end() - 1);
    for (const Sent& s : segments(hello() + most, {1000, 2000000000, true, false, {}})) send(engine, s, id);
}

}  // namespace

TEST_CASE("what waits has a limit, in which nobody takes the others' room", "[records]") {
    EngineOptions options = options_with(drop_x);
    options.limits.waiting_memory = std::size_t{1} << 20;
    Hooks hooks;
    hooks.waiting_memory = std::make_shared<std::atomic<std::uint64_t>>(0);
    Recorder out, other_out;
    Engine engine(options, out, nullptr, hooks), other(options, other_out, nullptr, hooks);
    SECTION("of one connection") {
        begin(engine, many_parts(1000), 1);
        CHECK(engine.stats().waiting_memory <= options.limits.waiting_memory / 16);
        begin(engine, many_parts(2), 2);
        engine.finish();
        const std::uint64_t lost = engine.stats().dropped_waiting;
        CHECK(lost > 900);
        CHECK(out.records.size() == 2);
        CHECK(out.files.size() == 1002 - lost);
    }
    SECTION("of all of them, where the one that has waited longest gives way") {
        for (std::uint16_t port = 1; port <= 100; ++port) begin(engine, many_parts(20), port);
        CHECK(engine.stats().waiting_memory <= options.limits.waiting_memory);
        CHECK(engine.stats().waiting_memory > options.limits.waiting_memory / 2);
        engine.finish();
        CHECK(out.files.size() + engine.stats().dropped_waiting == 2000);
        for (const FileInfo& rec : out.files) CHECK(rec.id.orig_p > 50);
    }
    SECTION("of all engines that share it") {
        for (std::uint16_t port = 1; port <= 100; ++port) begin(engine, many_parts(20), port);
        const std::uint64_t held = engine.stats().waiting_memory;
        for (std::uint16_t port = 1; port <= 100; ++port) begin(other, many_parts(20), port);
        CHECK(engine.stats().waiting_memory == held);
        CHECK(held + other.stats().waiting_memory <= options.limits.waiting_memory);
        CHECK(*hooks.waiting_memory == held + other.stats().waiting_memory);
        engine.finish();
        begin(other, many_parts(20), 200);
        other.finish();
        CHECK(std::any_of(other_out.files.begin(), other_out.files.end(),
                          [](const FileInfo& rec) { return rec.id.orig_p == 200; }));
    }
    SECTION("no limit") {
        options.limits.waiting_memory = 0;
        engine.set_options(options);
        begin(engine, many_parts(5000), 1);
        engine.finish();
        CHECK(out.files.size() == 5000);
    }
    engine.finish();
    CHECK(*hooks.waiting_memory == 0);
}

TEST_CASE("what was extracted shares the fate of its record", "[records]") {
    struct Row {
        const char* name;
        const char* rules;
        Script script;
        std::size_t files;
    };
    const Row rows[] = {
        {"no policy", "{ hide: { subject: omit } }", rich("x"), 2},
        {"kept", drop_x, rich("y"), 2},
        {"dropped", drop_x, rich("x"), 0},
        {"the record alone", "{ action: drop-record }", rich("x"), 2},
        {"one of two", drop_x, rich("x") + rich("y"), 2},
        {"content without a transaction", drop_x, {C("DATA"), S("354 d"), C("text\n."), S("250 q")}, 0},
        {"a file", "{ stream: files, when: { depth: 3 }, action: drop }", rich("x"), 1},
        {"a file's record alone", "{ stream: files, action: drop-record }", rich("x"), 2},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const test::Folder folder;
        files::ExtractOptions extract;
        extract.directory = folder / "out";
        extract.min_free = 0;
        Recorder out;
        {
            files::Extractor extractor(extract, files::Extractor::WhenFull::wait);
            Hooks hooks;
            hooks.content = &extractor;
            out = play(hello() + r.script, options_with(r.rules), hooks);
        }
        std::size_t n = 0;
        for (const auto& entry : fs::directory_iterator(extract.directory)) {
            ++n;
            CHECK(std::any_of(out.files.begin(), out.files.end(), [&](const FileInfo& rec) {
                return entry.path().filename().string() == rec.extracted.value_or("");
            }));
        }
        CHECK(n == r.files);
    }
}
