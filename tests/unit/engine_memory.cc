// SPDX-License-Identifier: BSD-3-Clause
// What a session costs while nothing happens in it.
#include <malloc.h>

#include "catch.h"
#include "skip.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

/// Bytes for each of many sessions that stopped after the script.
double bytes_each(const Script& script) {
    constexpr std::uint32_t sessions = 10000;
    const std::vector<Sent> all = segments(script, {1000, 2000000000, true, false, {}});
    EngineOptions options;
    struct Nobody final : RecordSink {
        void smtp(const Info&) override {}
        void weird(const Weird&) override {}
        void file(const FileInfo&) override {}
        void ssl(const SslInfo&) override {}
        void notice(const Notice&) override {}
        void software(const Software&) override {}
    } nobody;
    Engine engine(options, nobody);
    const auto before = mallinfo2();
    for (std::uint32_t n = 0; n < sessions; ++n) {
        ConnId id = mail_id();
        const std::uint8_t address[4] = {10, 1, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
        id.orig_h = Address::from_v4(address);
        for (const Sent& s : all) send(engine, s, id);
    }
    const auto after = mallinfo2();
    REQUIRE(engine.stats().flows_open == sessions);
    CHECK(engine.stats().memory_held == 0);
    return static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / sessions;
}

}  // namespace

TEST_CASE("an idle session takes little memory", "[engine]") {
    if (sanitized) return skip("a sanitizer has an allocator of its own");
    struct Row {
        const char* name;
        Script script;
        double most;
    };
    const Row rows[] = {
        {"handshake", {}, 360},
        {"after EHLO", hello(), 1024},
        {"after a mail", hello() + mail("m"), 1090},
        {"after many mails", hello() + mail("1") + mail("2") + mail("3") + mail("4") + mail("5"), 1090},
        {"within an envelope", hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 m\n250 r")}, 3100},
    };
    for (const Row& r : rows) {
        const double bytes = bytes_each(r.script);
        INFO(r.name << ": " << bytes << " bytes");
        CHECK(bytes <= r.most);
    }
}
