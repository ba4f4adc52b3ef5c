// SPDX-License-Identifier: BSD-3-Clause
// The sessions that an agent follows, at a moment: for programs, for people, and for `smtpscope top`, which compares
// two of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/capture.h"
#include "smtpscope/flow.h"

namespace smtpscope::agent {

struct FlowRow {
    FlowSummary flow;
    std::optional<capture::FlowCounters> kernel;  ///< since there was a verdict on it
    std::uint64_t ignored_bytes() const { return kernel ? kernel->ignored_bytes : 0; }
};

/// What `smtpscope flows` may ask for at a time: each costs the worker up to half a microsecond, in which it reads no
/// packets.
inline constexpr std::size_t max_flows_listed = 10'000;

struct FlowList {
    Timestamp now;
    // Of the agent, since it started; the last three now.
    std::uint64_t seen = 0, delivered = 0, ignored = 0, lost = 0;  ///< packets
    std::uint64_t records = 0;
    std::uint64_t open = 0;  ///< sessions, of which the rows are the latest
    std::uint64_t ring_used = 0, ring_size = 0;
    std::vector<FlowRow> rows;  ///< the latest packet first
};

/// One list of the sessions of several shards: the latest first, at most `limit` of them.
void merge(std::vector<FlowSummary>& into, std::vector<FlowSummary> more, std::size_t limit);

/// One object on one line.
std::string to_json(const FlowList& list);
/// A table with a heading.
std::string to_text(const FlowList& list);
/// For a process of the same version: a line for the list, then one for each row.
std::string to_lines(const FlowList& list);
/// Throws std::runtime_error if it is not what to_lines() writes.
FlowList from_lines(std::string_view lines);

/// `203.0.113.7:40001`, `[2001:db8::25]:25`
std::string in_words(const Address& host, std::uint16_t port);
/// `203.0.113.7:40001 -> [2001:db8::25]:25`
std::string in_words(const ConnId& id);

}  // namespace smtpscope::agent
