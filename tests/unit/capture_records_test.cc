// SPDX-License-Identifier: BSD-3-Clause
// What a ring record says about its sender.
#include <cstring>
#include <vector>

#include "capture/records.h"
#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::capture;

namespace {

smtpscope_record record(std::uint8_t direction, std::uint32_t uid, std::uint64_t cgroup_id) {
    smtpscope_record r{};
    r.direction = direction;
    r.uid = uid;
    r.cgroup_id = cgroup_id;
    r.captured = r.wire_length = 1;
    return r;
}

std::vector<Packet> packets(const smtpscope_record& r) {
    std::vector<std::byte> bytes(sizeof r + 1);
    std::memcpy(bytes.data(), &r, sizeof r);
    std::vector<Packet> all;
    RecordReader reader;
    reader.read(
        bytes, [](std::uint32_t) { return true; }, [&](const Packet& p) { all.push_back(p); });
    return all;
}

}  // namespace

TEST_CASE("records: the sender is known where a socket of this host sent the packet") {
    constexpr std::uint32_t overflow_uid = 65534;
    struct Row {
        const char* name;
        smtpscope_record record;
        bool egress, known;
    };
    const Row rows[] = {
        {"received", record(SMTPSCOPE_INGRESS, SMTPSCOPE_NO_UID, 0), false, false},
        {"sent", record(SMTPSCOPE_EGRESS, 105, 4711), true, true},
        {"sent by root, in the root's cgroup", record(SMTPSCOPE_EGRESS, 0, 1), true, true},
        {"sent by nobody", record(SMTPSCOPE_EGRESS, overflow_uid, 4711), true, true},
        {"forwarded", record(SMTPSCOPE_EGRESS, overflow_uid, 0), true, false},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        const std::vector<Packet> all = packets(r.record);
        REQUIRE(all.size() == 1);
        CHECK(all[0].egress == r.egress);
        CHECK(all[0].sender.known() == r.known);
        if (r.known) {
            CHECK(all[0].sender.uid == r.record.uid);
            CHECK(all[0].sender.cgroup_id == r.record.cgroup_id);
        }
    }
}
