// SPDX-License-Identifier: BSD-3-Clause
// The queue between a worker and the sinks: order, bounds, and that nothing is lost silently.
#include <thread>

#include "agent/record_queue.h"
#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

Info info(std::uint64_t depth, std::size_t subject = 0) {
    Info rec;
    rec.trans_depth = depth;
    if (subject != 0) rec.subject = std::string(subject, 's');
    return rec;
}

std::vector<std::uint64_t> depths(const std::vector<Record>& batch) {
    std::vector<std::uint64_t> all;
    all.reserve(batch.size());
    for (const Record& r : batch) {
        all.push_back(std::holds_alternative<Info>(r) ? std::get<Info>(r).trans_depth : 0);
    }
    return all;
}

}  // namespace

TEST_CASE("agent: records leave the queue in the order in which they came, whatever their stream") {
    RecordQueue queue;
    queue.smtp(info(1));
    queue.weird({});
    queue.smtp(info(2));
    queue.close();
    std::vector<Record> batch;
    REQUIRE(queue.take(batch));
    CHECK(depths(batch) == std::vector<std::uint64_t>{1, 0, 2});
    CHECK_FALSE(queue.take(batch));
    CHECK(batch.empty());
}

TEST_CASE("agent: a full queue drops, and counts by stream") {
    RecordQueue queue({.records = 2, .bytes = 1 << 20});
    for (std::uint64_t i = 1; i <= 4; ++i) queue.smtp(info(i));
    queue.weird({});
    const QueueStats stats = queue.stats();
    CHECK(stats.pending == 2);
    CHECK(stats.dropped[0] == 2);
    CHECK(stats.dropped[1] == 1);
}

TEST_CASE("agent: what the consumer is writing still takes room") {
    RecordQueue queue({.records = 2, .bytes = 1 << 20});
    queue.smtp(info(1));
    queue.smtp(info(2));
    std::vector<Record> batch;
    REQUIRE(queue.take(batch));
    queue.smtp(info(3));
    CHECK(queue.stats().dropped[0] == 1);
    queue.close();
    CHECK_FALSE(queue.take(batch));
    CHECK(queue.stats().pending == 0);
}

TEST_CASE("agent: the queue is bounded in bytes, but for a record that is larger than all of it") {
    RecordQueue queue({.records = 100, .bytes = 10000});
    queue.smtp(info(1, 20000));
    CHECK(queue.stats().pending == 1);
    CHECK(queue.stats().pending_bytes > 20000);
    queue.smtp(info(2));
    CHECK(queue.stats().dropped[0] == 1);
}

TEST_CASE("agent: a record's footprint covers its strings and sets") {
    Info rec = info(1, 1000);
    rec.rcptto.emplace();
    for (int i = 0; i < 100; ++i) rec.rcptto->insert(std::string(100, 'r') + std::to_string(i));
    CHECK(footprint(rec) > 1000 + 100 * 100);
    for (const auto member : {&Info::process_user, &Info::process_unit, &Info::container, &Info::incomplete}) {
        Info one = info(1);
        one.*member = std::string(5000, 'o');
        CHECK(footprint(one) > 5000);
    }
    Info refused = info(1);
    refused.rejection.status = std::string(5000, '5');
    CHECK(footprint(refused) > 5000);
    Weird weird;
    weird.addl = std::string(5000, 'a');
    CHECK(footprint(weird) > 5000);
    FileInfo file;
    file.sha256 = std::string(5000, 'f');
    CHECK(footprint(file) > 5000);
}

TEST_CASE("agent: at the end the producer waits for room, up to its deadline") {
    RecordQueue queue({.records = 1, .bytes = 1 << 20});
    SECTION("room comes") {
        queue.wait_when_full(steady_clock::now() + 60s);
        std::vector<std::uint64_t> seen;
        std::thread consumer([&] {
            std::vector<Record> batch;
            while (queue.take(batch)) {
                for (const std::uint64_t d : depths(batch)) seen.push_back(d);
            }
        });
        for (std::uint64_t i = 1; i <= 100; ++i) queue.smtp(info(i));
        queue.close();
        consumer.join();
        CHECK(seen.size() == 100);
        CHECK(queue.stats().dropped[0] == 0);
    }
    SECTION("room does not come") {
        queue.wait_when_full(steady_clock::now() + 20ms);
        queue.smtp(info(1));
        queue.smtp(info(2));
        queue.smtp(info(3));  // the deadline is one for all, not for each
        CHECK(queue.stats().dropped[0] == 2);
    }
}
