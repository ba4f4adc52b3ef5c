// SPDX-License-Identifier: BSD-3-Clause
// Sessions as the agent lists them.
#pragma once

#include <cstdint>

#include "agent/flows.h"

namespace smtpscope::test {

inline constexpr std::int64_t second = 1'000'000'000;  // nanoseconds

/// `begin`, `last`: in seconds.
inline agent::FlowRow flow_row(const char* uid, const char* client, std::int64_t begin, std::int64_t last,
                               FlowStage stage) {
    agent::FlowRow r;
    r.flow.uid = uid;
    r.flow.id = {*Address::parse(client), 40001, *Address::parse("2001:db8::25"), 25};
    r.flow.begin = from_nanoseconds(begin * second);
    r.flow.last = from_nanoseconds(last * second);
    r.flow.stage = stage;
    return r;
}

/// Two of three sessions, at second 1,000.
inline agent::FlowList flow_list() {
    agent::FlowList l;
    l.now = from_nanoseconds(1000 * second);
    l.seen = 50;
    l.delivered = 30;
    l.ignored = 19;
    l.lost = 1;
    l.records = 4;
    l.open = 3;
    l.ring_used = 4096;
    l.ring_size = 16 << 20;
    l.rows = {flow_row("CaB1", "203.0.113.7", 400, 999, FlowStage::message),
              flow_row("", "2001:db8::7", 1000, 1000, FlowStage::handshake)};
    l.rows[0].flow.message_bytes = 1'200'000;
    return l;
}

}  // namespace smtpscope::test
