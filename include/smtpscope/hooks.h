// SPDX-License-Identifier: BSD-3-Clause
// What the engine asks of the program around it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "smtpscope/content.h"
#include "smtpscope/owner.h"
#include "smtpscope/packet.h"
#include "smtpscope/records.h"

namespace smtpscope {

/// The extension points of the reference's script, and what the engine asks of the system.
struct Hooks {
    std::function<bool(Info&)> log_policy;      ///< before a record is written: may change it; false drops it
    std::function<void(const Info&)> log_smtp;  ///< after it was written
    /// When a session ends: its open transaction (nullptr if there is none), before that is written.
    std::function<void(const ConnId&, const State&, Info*)> finalize_smtp;
    /// A packet was put together from IP fragments. True: another shard, to which its connection belongs, has taken it,
    /// and it is not analyzed here. It is valid only during the call.
    std::function<bool(const Packet&)> reassembled;
    /// Called at the first payload of a connection, and again with each record as long as a field of the result is
    /// empty.
    OwnerLookup owner;
    ContentSink* content = nullptr;  ///< where bodies are extracted to; outlives the engine
    /// Bytes of records that wait for their mail, in all engines that share this account and Limits::waiting_memory;
    /// nullptr: the engine uses its own.
    std::shared_ptr<std::atomic<std::uint64_t>> waiting_memory;
};

}  // namespace smtpscope
