// SPDX-License-Identifier: BSD-3-Clause
// What a record says beside the mail: whose process took part, and what was left out of the message.
#include <functional>
#include <string>

#include "catch.h"
#include "records/notices.h"
#include "records/session.h"
#include "records/software.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

constexpr Sender nobody{}, root{0, 1}, client{1234, 70}, server{105, 80};

/// `uid user unit container`, a dash for what is not set.
std::string process(const Info& rec) {
    const auto text = [](const std::optional<std::string>& field) { return " " + field.value_or("-"); };
    return (rec.process_uid ? std::to_string(*rec.process_uid) : "-") + text(rec.process_user) +
           text(rec.process_unit) + text(rec.container);
}

/// A mail, whose packets come from these sockets; SYN and SYN with ACK from others.
std::vector<Sent> sent_by(const Sender& orig, const Sender& resp, const Sender& listener = nobody) {
    std::vector<Sent> all = segments(hello() + mail("x"));
    for (Sent& s : all) s.sender = s.payload.empty() ? listener : s.from == Side::orig ? orig : resp;
    return all;
}

Owner owner_of(const Sender& s) {
    if (s.uid == client.uid) return {"web", "php.scope", ""};
    if (s.uid == server.uid) return {"postfix", "postfix@-.service", ""};
    return {"root", "init.scope", ""};
}

}  // namespace

TEST_CASE("the process of a record", "[records]") {
    struct Row {
        const char* name;
        std::vector<Sent> sent;
        std::string expected;
    };
    const Row rows[] = {
        {"a trace does not tell", sent_by(nobody, nobody), "- - - -"},
        {"inbound: the server", sent_by(nobody, server), "105 postfix postfix@-.service -"},
        {"the accepted connection, not the listener", sent_by(nobody, server, root), "105 postfix postfix@-.service -"},
        {"outbound: the client", sent_by(client, nobody), "1234 web php.scope -"},
        {"local: who sent the mail, though the server speaks first", sent_by(client, server), "1234 web php.scope -"},
        {"root is somebody", sent_by(root, nobody), "0 root init.scope -"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        Hooks hooks;
        hooks.owner = owner_of;
        const Recorder out = play(r.sent, {}, hooks);
        REQUIRE(out.records.size() == 1);
        CHECK(process(out.records[0]) == r.expected);
    }
}

TEST_CASE("the process: what the hook says, and when", "[records]") {
    struct Row {
        const char* name;
        std::vector<Owner> answers;  ///< in turn, the last one from then on
        std::string expected;
        std::size_t asked;
    };
    const Row rows[] = {
        {"all at once", {{"u", "a.service", ""}}, "1234 u a.service -", 1},
        {"nothing", {{}}, "1234 - - -", 2},
        {"the unit later", {{"u", "", ""}, {"u", "a.service", ""}}, "1234 u a.service -", 2},
        {"the name later, when the unit is gone", {{"", "a.service", ""}, {"u", "", ""}}, "1234 u a.service -", 2},
        {"a container has users of its own", {{"", "", "c1"}, {"u", "", ""}}, "1234 - - c1", 1},
        {"a container in a unit", {{"", "docker.service", "c1"}}, "1234 - docker.service c1", 1},
        {"a container, which was not known at first", {{"u", "", ""}, {"", "a.scope", "c1"}}, "1234 - a.scope c1", 2},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        std::size_t asked = 0;
        Hooks hooks;
        hooks.owner = [&](const Sender& s) {
            CHECK(s.cgroup_id == client.cgroup_id);
            return r.answers[std::min(asked++, r.answers.size() - 1)];
        };
        const Recorder out = play(sent_by(client, nobody), {}, hooks);
        REQUIRE(out.records.size() == 1);
        CHECK(process(out.records[0]) == r.expected);
        CHECK(asked == r.asked);
    }
    SECTION("what comes too late for a record is counted, by what it is") {
        struct Late {
            const char* name;
            Owner first, second;
            std::uint64_t users, units;
        };
        const Late late[] = {
            {"in time", {{}, {}, {}, true, true}, {"u", "a.service", {}, false, false}, 0, 0},
            {"there is none", {{}, {}, {}, true, true}, {}, 0, 0},
            {"the user", {{}, {}, {}, true, true}, {{}, "a.service", {}, true, false}, 1, 0},
            {"the unit", {{}, {}, {}, true, true}, {"u", {}, {}, false, true}, 0, 1},
            {"both", {{}, {}, {}, true, true}, {{}, {}, {}, true, true}, 1, 1},
            {"a container has no users here", {{}, {}, {}, true, true}, {{}, {}, "c1", false, false}, 0, 0},
        };
        for (const Late& r : late) {
            INFO(r.name);
            Hooks hooks;
            hooks.owner = [&, asked = 0](const Sender&) mutable { return asked++ == 0 ? r.first : r.second; };
            Recorder out;
            Engine engine({}, out, nullptr, hooks);
            for (const Sent& s : sent_by(client, nobody)) send(engine, s);
            CHECK(engine.stats().users_late == r.users);
            CHECK(engine.stats().units_late == r.units);
        }
    }
    SECTION("without a hook the uid is known all the same") {
        CHECK(process(play(sent_by(client, nobody)).records.at(0)) == "1234 - - -");
    }
    SECTION("only what is wanted") {
        EngineOptions options;
        options.analyzer.extra_fields = {};
        options.analyzer.extra_fields.insert(ExtraField::process_unit);
        Hooks hooks;
        hooks.owner = owner_of;
        CHECK(process(play(sent_by(client, nobody), options, hooks).records.at(0)) == "- - php.scope -");
    }
}

TEST_CASE("ignored bytes are those of the newest message", "[records]") {
    EngineOptions options;
    Recorder out;
    const Hooks hooks;
    records::RecordStats stats;
    files::Context files{&options.files, nullptr};
    records::Notices notices(options.notices, 0, [](const Notice&) {});
    records::SoftwareTracker software(options.software, 0);
    records::Shared<std::string> extensions;
    records::Owners owners;
    records::WaitingRoom waiting(options, hooks, out, stats);
    const records::Context context{&options, &out,      &hooks,      &stats,  &files,
                                   &notices, &software, &extensions, &owners, &waiting};
    const auto record = [&](const std::vector<std::uint64_t>& ignored) {
        records::Session session(context, mail_id(), {});
        session.ignored(99);  // of nothing
        session.smtp_request({smtp::Verb::mail, "FROM:<a@b>", false, {}});
        for (const std::uint64_t bytes : ignored) session.ignored(bytes);
        session.finish();
        return out.records.back();
    };
    CHECK(record({}).ignored_bytes == std::nullopt);
    CHECK(record({0}).ignored_bytes == std::nullopt);
    CHECK(record({1000, 24}).ignored_bytes == 1024);
    options.analyzer.extra_fields = {};
    CHECK(record({1000}).ignored_bytes == std::nullopt);
}
