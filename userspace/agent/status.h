// SPDX-License-Identifier: BSD-3-Clause
// What a running agent says about itself, for programs and for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cgroup_index.h"
#include "agent/record_queue.h"
#include "agent/reload.h"
#include "capture/capture.h"
#include "files/extract.h"
#include "log/output.h"
#include "smtpscope/engine.h"

namespace smtpscope::agent {

struct Status {
    std::string version;
    std::uint64_t pid = 0;
    std::chrono::duration<double> uptime{};
    config::Origin config;  ///< of what is in effect
    Timestamp config_loaded{};
    std::uint64_t reloads = 0;
    Refusal refusal;
    std::vector<std::string> needs_restart;  ///< keys that have another value in the file, as of the last reload
    std::vector<capture::Attachment> attachments;
    std::vector<capture::Counter> kernel;
    std::vector<capture::InterfaceCounters> interfaces;
    std::vector<capture::RingLevel> rings;
    EngineStats engine;
    std::uint64_t passed_dropped = 0;  ///< packets reassembled from fragments for which their shard had no room
    CgroupIndexStats cgroups;
    QueueStats queue;
    std::vector<log::SinkStatus> sinks;
    std::vector<std::uint64_t> dropped_by_policy;  ///< by stream
    files::ExtractStats extraction;
    std::uint64_t resident_bytes = 0;
};

/// 0 if there is none of that name.
std::uint64_t value_of(const std::vector<capture::Counter>& counters, std::string_view name);

/// One object on one line.
std::string to_json(const Status& status);
std::string to_text(const Status& status);

/// Of this process; 0 if /proc does not say.
std::uint64_t resident_bytes();

}  // namespace smtpscope::agent
