// SPDX-License-Identifier: BSD-3-Clause
// Every count of the agent itself, once: its name in every report, and whether it means a loss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cgroup_index.h"
#include "agent/record_queue.h"
#include "files/extract.h"
#include "smtpscope/engine.h"

namespace smtpscope::agent {

inline constexpr std::string_view lost_to_file_system = "files lost to the file system";

template <class Stats>
struct Count {
    std::string_view name;
    std::uint64_t Stats::*member;
    std::string_view lost = {};  ///< what was lost, in words; empty: it is no loss
};

/// The table of a struct of counts.
std::span<const Count<EngineStats>> counts_of(const EngineStats&);
std::span<const Count<CgroupIndexStats>> counts_of(const CgroupIndexStats&);
std::span<const Count<files::ExtractStats>> counts_of(const files::ExtractStats&);

struct NamedCount {
    std::string name;
    std::uint64_t value;
};

template <class Stats>
std::vector<NamedCount> named(const Stats& stats) {
    std::vector<NamedCount> all;
    for (const auto& count : counts_of(stats)) all.push_back({std::string(count.name), stats.*count.member});
    return all;
}
std::vector<NamedCount> named(const QueueStats& stats);
/// Records that a policy dropped.
std::vector<NamedCount> named_policy(const std::vector<std::uint64_t>& dropped);

}  // namespace smtpscope::agent
