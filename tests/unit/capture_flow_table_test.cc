// SPDX-License-Identifier: BSD-3-Clause
// The table of verdicts as user space fills it and the kernel programs see it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/descriptor.h"
#include "capture/flow_table.h"
#include "capture/source.h"
#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::capture;

namespace {

constexpr std::uint32_t set_count = 100;
constexpr std::size_t size = set_count * sizeof(smtpscope_flow_set);

/// The memory of a table without a map, and the kernel's look at it.
struct Memory {
    Memory() : fd(memfd_create("flows", MFD_CLOEXEC)) {
        REQUIRE(ftruncate(fd.get(), size) == 0);
        sets = static_cast<smtpscope_flow_set*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
        REQUIRE(sets != MAP_FAILED);
    }
    ~Memory() { munmap(sets, size); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// The entry under a key, as a packet finds it.
    smtpscope_flow* look_up(std::uint64_t key) const {
        smtpscope_flow_set& set = sets[smtpscope_flow_set_of(key, set_count)];
        const auto* way = std::find(std::begin(set.keys), std::end(set.keys), key);
        return way == std::end(set.keys) ? nullptr : &set.flows[way - std::begin(set.keys)];
    }

    Descriptor fd;
    smtpscope_flow_set* sets;
};

smtpscope_flow flow(std::uint16_t port, smtpscope_verdict verdict) {
    smtpscope_flow f{};
    f.ends.port[0] = port;
    f.senders[0].verdict = verdict;
    f.senders[1].verdict = SMTPSCOPE_IGNORE;
    return f;
}

/// Keys of one set.
std::uint64_t key(std::uint64_t number) {
    return (std::uint64_t{5} << 60) + number;
}

}  // namespace

TEST_CASE("an entry of the table of flows comes, changes and goes", "[capture]") {
    const Memory memory;
    FlowTable table(memory.fd.get(), set_count);
    const smtpscope_flow first = flow(1, SMTPSCOPE_IGNORE);
    CHECK_FALSE(table.find(key(1), first.ends));
    table.set(key(1), first);
    REQUIRE(memory.look_up(key(1)) != nullptr);
    memory.look_up(key(1))->senders[0].ignored_packets = 7;
    // Another verdict, what was counted stays.
    table.set(key(1), flow(1, SMTPSCOPE_HEADERS_ONLY));
    CHECK(memory.look_up(key(1))->senders[0].verdict == SMTPSCOPE_HEADERS_ONLY);
    REQUIRE(table.find(key(1), first.ends));
    CHECK(table.find(key(1), first.ends)->senders[0].ignored_packets == 7);
    table.remove(key(1), first.ends);
    CHECK(memory.look_up(key(1)) == nullptr);
    // The flow that replaces it begins at 0.
    table.set(key(1), first);
    CHECK(table.find(key(1), first.ends)->senders[0].ignored_packets == 0);
}

TEST_CASE("of two flows with the same hash the later one has the entry", "[capture]") {
    const Memory memory;
    FlowTable table(memory.fd.get(), set_count);
    const smtpscope_flow first = flow(1, SMTPSCOPE_IGNORE), second = flow(2, SMTPSCOPE_IGNORE);
    table.set(key(1), first);
    table.set(key(1), second);
    CHECK_FALSE(table.find(key(1), first.ends));
    CHECK(table.find(key(1), second.ends));
    table.remove(key(1), first.ends);
    CHECK(table.find(key(1), second.ends));
}

TEST_CASE("in a full set a flow without packets gives way", "[capture]") {
    const Memory memory;
    FlowTable table(memory.fd.get(), set_count);
    std::set<std::uint16_t> present;
    const auto add = [&](std::uint16_t port) {
        table.set(key(port), flow(port, SMTPSCOPE_IGNORE));
        std::set<std::uint16_t> gone;
        for (const std::uint16_t p : present)
            if (memory.look_up(key(p)) == nullptr) gone.insert(p);
        for (const std::uint16_t p : gone) present.erase(p);
        present.insert(port);
        CHECK(memory.look_up(key(port)) != nullptr);
        return gone;
    };
    for (std::uint16_t port = 1; port <= SMTPSCOPE_WAYS; ++port) CHECK(add(port).empty());
    CHECK(add(100).size() == 1);  // all were new
    // Two have had no packet since.
    std::set<std::uint16_t> idle;
    for (const std::uint16_t port : present) {
        const bool quiet = port != 100 && idle.size() < 2;
        if (!quiet) ++memory.look_up(key(port))->senders[port % 2].ignored_packets;
        if (quiet) idle.insert(port);
    }
    std::set<std::uint16_t> gone = add(101);
    gone.merge(add(102));
    CHECK(gone == idle);
    // The other sets have not been touched.
    CHECK(std::all_of(memory.sets, memory.sets + set_count, [&](const smtpscope_flow_set& set) {
        return &set == memory.sets + smtpscope_flow_set_of(key(1), set_count) || set.keys[0] == 0;
    }));
}

TEST_CASE("the size of the table of flows", "[capture]") {
    CHECK(FlowTable::sets_for(65536) == 8192);
    CHECK(FlowTable::sets_for(1025) == 129);
    // The last set is used too, and nothing behind it.
    CHECK(smtpscope_flow_set_of(~0ULL, set_count) == set_count - 1);
    CHECK(smtpscope_flow_set_of(0, set_count) == 0);
}

TEST_CASE("a table that cannot be mapped", "[capture]") {
    CHECK_THROWS_AS(FlowTable(-1, set_count), Error);
}
