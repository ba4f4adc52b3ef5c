// SPDX-License-Identifier: BSD-3-Clause
// What the agent says: the status document, losses, and what a reload cannot change.
#include <algorithm>
#include <fstream>

#include "agent/json.h"
#include "agent/losses.h"
#include "agent/reload.h"
#include "agent/status.h"
#include "catch.h"
#include "config/keys.h"

using namespace smtpscope;
using namespace smtpscope::agent;

TEST_CASE("status: JSON is separated, nested and escaped") {
    JsonWriter json;
    json.begin_object()
        .key("a")
        .value(std::uint64_t{1})
        .key("b")
        .begin_array()
        .value("x")
        .value("\"\\\n\xff")
        .value(
            "Zug\xc3\xbc"
            "ber\n")
        .end_array();
    json.key("c").begin_object().end_object().key("d").value(1.5).end_object();
    CHECK(json.text() == R"({"a":1,"b":["x","\"\\\n\\xff","Zugüber\n"],"c":{},"d":1.500})");
}

TEST_CASE("status: the document has what a monitor needs") {
    Status s;
    s.version = "1.2";
    s.pid = 42;
    s.attachments = {
        {"eth0", 2, capture::AttachKind::xdp_generic, capture::AttachMeans::link, "no native XDP", "more queues"}};
    s.kernel = {{"seen", 3}, {"delivered", 2}, {"lost_ring_full", 1}};
    s.engine.smtp_records = 7;
    s.passed_dropped = 8;
    s.cgroups = {5, 0, 2, 1};
    s.queue.dropped[0] = 9;
    s.sinks = {{"/var/log/x", 5, 6, "No space left on device", ""}};
    s.sinks[0].dropped_at_end = 2;
    s.sinks[0].waiting = 3;
    s.dropped_by_policy = {4, 0};
    s.extraction.failed = 13;
    s.extraction.last_error = "/x/F1.part: write: No space left on device";
    s.resident_bytes = 1 << 20;
    const std::string json = to_json(s);
    for (
        const char* part :
        {R"("version":"1.2","pid":42)",
         R"({"interface":"eth0","ifindex":2,"kind":"xdp_generic","means":"link","reason":"no native XDP","remedy":"more queues"})",
         R"("kernel":{"seen":3,"delivered":2,"lost_ring_full":1})", R"("smtp_records":7)", R"("passed_dropped":8)",
         R"("cgroups":{"folders":5,"left_out":0,"readings":2,"unknown":1})", R"("dropped_smtp":9)",
         R"({"name":"/var/log/x","written":5,"dropped":6,"last_error":"No space left on device","last_loss":"","former":0,)",
         R"("dropped_queue_full":0,"dropped_at_end":2,"waiting":3,"waiting_bytes":0})",
         R"("policy":{"dropped_smtp":4,"dropped_weird":0})",
         R"("memory":{"resident":1048576,"out_of_order":0,"fragments":0,"waiting":0})"}) {
        CAPTURE(part);
        CHECK(json.find(part) != std::string::npos);
    }
    const std::string text = to_text(s);
    for (const char* part :
         {"smtpscope 1.2, process 42", "eth0: xdp_generic by link (no native XDP); for a better way: more queues",
          "lost_ring_full", "packets dropped on their way to another shard: 8",
          "5 written, 6 dropped, 2 at its end, 3 waiting, 0 B (No space left on device)",
          "/x/F1.part: write: No space"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
    CHECK(text.find("flows_evicted") == std::string::npos);  // zeros are noise for people
    CHECK(resident_bytes() > 0);
}

TEST_CASE("status: which configuration is in effect, since when, and what was refused") {
    const Timestamp modified = from_nanoseconds(1'790'000'000'250'000'000), loaded = modified + std::chrono::minutes(1);
    const auto has = [](const std::string& text, const std::string& part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    Status s;
    s.config_loaded = loaded;
    has(to_text(s),
        "configuration: the defaults: there was no /etc/smtpscope/smtpscope.yaml, loaded "
        "2026-09-21T14:14:20Z, reloaded 0 times\nattached");
    has(to_json(s), R"("config":"","config_loaded":1790000060.250,"reloads":0,"reload_error":"",)");
    s.config = {"/etc/a.yaml", modified};
    s.reloads = 2;
    s.needs_restart = {"capture.ports", "control.socket"};
    s.refusal = {"/etc/a.yaml:3:1: no", loaded + std::chrono::hours(1)};
    has(to_text(s),
        "configuration: /etc/a.yaml of 2026-09-21T14:13:20Z, loaded 2026-09-21T14:14:20Z, reloaded 2 times\n"
        "  after a restart: capture.ports, control.socket\n"
        "  the last reload, 2026-09-21T15:14:20Z, was refused: /etc/a.yaml:3:1: no\nattached");
    has(to_json(s), R"("config":"/etc/a.yaml","config_modified":1790000000.250,"config_loaded":1790000060.250,)"
                    R"("reloads":2,"reload_error":"/etc/a.yaml:3:1: no","reload_refused":1790003660.250,)"
                    R"("needs_restart":["capture.ports","control.socket"],)");
}

TEST_CASE("losses: said when they grow, by cause, and only then") {
    LossWatch watch;
    CHECK(watch.update({{"packets lost_ring_full", 0, {}}}).empty());
    CHECK(watch.update({{"packets lost_ring_full", 3, {}}, {"b", 0, {}}}) ==
          "lost: 3 packets lost_ring_full (3 in all)");
    CHECK(watch.update({{"packets lost_ring_full", 3, {}}, {"b", 0, {}}}).empty());
    CHECK(watch.update({{"packets lost_ring_full", 5, {}}, {"b", 1, "disk full"}}) ==
          "lost: 2 packets lost_ring_full (5 in all), 1 b (1 in all): disk full");
    CHECK(LossWatch().update({{"a", 1, "The disk is full."}, {"b", 1, "So is this."}}) ==
          "lost: 1 a (1 in all): The disk is full, 1 b (1 in all): So is this");
    // A count that went back.
    CHECK(watch.update({{"b", 0, {}}}).empty());
    CHECK(watch.update({{"b", 1, {}}}) == "lost: 1 b (1 in all)");
}

TEST_CASE("losses: every way of losing something is among them") {
    Status s;
    s.kernel = {{"seen", 100}, {"delivered", 1}, {"ignored_flow", 2}, {"lost_too_long", 4}};
    s.engine.malformed = 8;
    s.engine.gap_bytes = 16;
    s.engine.overload_bytes = 32;
    s.engine.flows_evicted = 64;
    s.engine.dropped_waiting = 2048;
    s.queue.dropped[0] = 128;
    s.queue.dropped[1] = 256;
    s.sinks = {{"stdout", 1, 512, "", ""}, {"journald", 1, 1024, "", ""}};
    std::uint64_t sum = 0;
    for (const Loss& loss : losses(s)) sum += loss.total;
    CHECK(sum == 4092);
    SECTION("a sink has one for each cause") {
        s = {};
        s.sinks = {{"journald", 0, 7, "", "it was away"}};
        s.sinks[0].dropped_queue_full = 4;
        s.sinks[0].dropped_at_end = 1;
        CHECK(LossWatch().update(losses(s)) ==
              "lost: 2 records refused by journald (2 in all): it was away, "
              "4 records for which too many waited for journald (4 in all): it was away, "
              "1 records that journald had not taken at its end (1 in all): it was away");
    }
    SECTION("sinks of one name have one account") {
        s.sinks = {{"/var/log/x", 1, 1, "", "disk full"}, {"/var/log/x", 1, 2, "", ""}};
        LossWatch watch;
        watch.update(losses(s));
        CHECK(watch.update(losses(s)).empty());
        s.sinks[1].dropped = 5;
        CHECK(watch.update(losses(s)) == "lost: 3 records refused by /var/log/x (6 in all): disk full");
    }
}

TEST_CASE("reload: what a new configuration changes at once, and what waits for a restart") {
    const config::Config running;
    config::Config wanted = running;
    CHECK(config::differences(running, wanted).empty());
    CHECK(to_text(config::Origin{"/x.yaml", {}}, {}) == "/x.yaml: loaded; nothing has changed.\n");
    CHECK(to_text(config::Origin{}, {}) ==
          "there is no /etc/smtpscope/smtpscope.yaml: the defaults are loaded; nothing has changed.\n");
    wanted.origin.path = "/x.yaml";
    wanted.analyzer.max_invalid_mail_transactions = 3;
    wanted.analyzer.webmail_user_agents.emplace_back("a new one, and with the six of before far too long for a line");
    wanted.log.level = log::Level::debug;
    wanted.capture.ports.push_back(2525);
    wanted.capture.checksums = capture::ChecksumMode::ignore;
    wanted.extract.max_files = 5;
    wanted.control_socket = "/elsewhere";
    CHECK(to_text(config::Origin{"/x.yaml", {}}, config::differences(running, wanted)) ==
          "/x.yaml: loaded.\n"
          "  capture.ports: [25, 587] -> [25, 587, 2525], after a restart\n"
          "  capture.checksums: validate -> ignore, after a restart\n"
          "  analyzer.max_invalid_mail_transactions: 25 -> 3\n"
          "  analyzer.webmail_user_agents has changed\n"
          "  files.extract.max_files: 10000 -> 5, after a restart\n"
          "  log.level: info -> debug\n"
          "  control.socket: /run/smtpscope/control.sock -> /elsewhere, after a restart\n");

    const config::Config merged = config::merged(running, wanted);
    CHECK(merged.origin.path == "/x.yaml");
    CHECK(merged.engine_options().validate_checksums);
    const auto waits = config::differences(merged, wanted);
    CHECK(std::all_of(waits.begin(), waits.end(), [](const auto& d) { return config::needs_restart(d.key); }));
    CHECK(waits.size() == 4);
    const auto made = config::differences(running, merged);
    CHECK(std::none_of(made.begin(), made.end(), [](const auto& d) { return config::needs_restart(d.key); }));
    CHECK(made.size() == 3);
}

TEST_CASE("reload: README and the manual page tell the same of what needs a restart") {
    const std::pair<const char*, const char*> rows[] = {
        {"README.md", "`capture.*`, `files.extract.*` and `control.socket` need a restart"},
        {"packaging/man/smtpscope.8", ".Va capture.* , files.extract.*\nand\n.Va control.socket\nwait for a restart"}};
    for (const auto& [path, sentence] : rows) {
        INFO(path);
        std::ifstream file(path);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        CHECK(text.find(sentence) != std::string::npos);
    }
    for (const auto& key : config::table().keys()) {
        INFO(key.path);
        CHECK(config::needs_restart(key.path) ==
              (key.path.starts_with("capture.") || key.path.starts_with("files.extract.") ||
               key.path == "control.socket"));
    }
}

TEST_CASE("reload: a refusal in words, and for those who ask") {
    CHECK(in_words(Refusal{}).empty());
    const Refusal refusal{"/x.yaml:1:1: no\nreally", from_nanoseconds(1'790'000'000'999'999'999)};
    CHECK(in_words(refusal) == "the last reload, 2026-09-21T14:13:20Z, was refused: /x.yaml:1:1: no\nreally");
}
