// SPDX-License-Identifier: BSD-3-Clause
// What a process leaves to the next one: rings with what is in them, counters, verdicts.
#include "../unit/catch.h"
#include "runner.h"

using namespace smtpscope;
using namespace smtpscope::capture;
using namespace smtpscope::test;

namespace {

Options options(std::uint64_t ring_size, unsigned shards) {
    Options o;
    o.ring_size = ring_size;
    o.shards = shards;
    return o;
}

constexpr std::uint64_t ring_size = 64 << 10;

}  // namespace

TEST_CASE("a process goes on where the one before it ended", "[bpf]") {
    const Spec mail{.payload = 100}, silent{.destination = 587, .payload = 100};
    std::vector<Kept> kept;
    std::uint64_t hash = 0;
    {
        Programs first(options(ring_size, 1));
        smtpscope_flow flow{};
        flow.ends = ends_of(silent);
        flow.senders[0].verdict = flow.senders[1].verdict = SMTPSCOPE_IGNORE;
        first.set_flow(flow);
        hash = first.hash(flow.ends);
        test_run(first.fd(Program::xdp), build(mail), 3);
        kept = copies(first);
    }
    Inheritance inherited(kept);
    Programs second(options(ring_size, 1), &inherited);
    CHECK(second.took_over());
    CHECK(inherited.empty());
    CHECK(second.hash(ends_of(silent)) == hash);
    CHECK(records_in(second) == 3);
    test_run(second.fd(Program::xdp), build(silent), 2);
    test_run(second.fd(Program::xdp), build(mail), 1);
    CHECK(records_in(second) == 1);
    const smtpscope_counters c = second.counters(0);
    CHECK(c.packets[SMTPSCOPE_SEEN] == 6);
    CHECK(c.packets[SMTPSCOPE_DELIVERED] == 4);
    CHECK(c.packets[SMTPSCOPE_IGNORED_FLOW] == 2);
    for (const Kept& k : second.kept()) CHECK(k.inherited);
}

TEST_CASE("maps that do not fit the configuration are not taken over", "[bpf]") {
    const struct {
        const char* name;
        Options second;
        std::size_t leave_out;  ///< how many of the kept descriptors
    } rows[] = {
        {"another size of the rings", options(2 * ring_size, 2), 0},
        {"more rings", options(ring_size, 3), 0},
        {"fewer rings", options(ring_size, 1), 0},
        {"a map is missing", options(ring_size, 2), 3},
        {"nothing was kept", options(ring_size, 2), 5},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        std::vector<Kept> kept;
        {
            Programs first(options(ring_size, 2));
            test_run(first.fd(Program::xdp), build({.payload = 100}), 3);
            kept = copies(first);
        }
        REQUIRE(kept.size() == 5);
        for (std::size_t i = 0; i < row.leave_out; ++i) close(kept[i].fd);
        kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(row.leave_out));
        Inheritance inherited(kept);
        Programs second(row.second, &inherited);
        CHECK_FALSE(second.took_over());
        CHECK(records_in(second) == 0);
        CHECK(second.counters(0).packets[SMTPSCOPE_SEEN] == 0);
    }
}

TEST_CASE("descriptors of another version, and of others, are let go", "[bpf]") {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const Inheritance inherited({{"smtpscope-0-ring-0", ends[0]}, {"somebody-else", ends[1]}});
    CHECK(inherited.empty());
    CHECK(close(ends[0]) == -1);
    CHECK(close(ends[1]) == -1);
}
