// SPDX-License-Identifier: BSD-3-Clause
// The record streams and their sinks, and the agent's own messages. Boost.Log is behind this header and
// nowhere else.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/options.h"
#include "smtpscope/policy.h"
#include "smtpscope/record_sink.h"

namespace smtpscope::log {

/// What became of the records of one sink.
struct SinkStatus {
    std::string name;  ///< `journald`, `stdout`, or the directory
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;
    std::string last_error;                ///< the present problem; empty if there is none
    std::string last_loss;                 ///< why the last record was dropped; stays
    bool former = false;                   ///< a sink of an earlier configuration that is not in the present one
    std::uint64_t dropped_queue_full = 0;  ///< of `dropped`: no room in its queue
    std::uint64_t dropped_at_end = 0;      ///< of `dropped`: the sink had not taken them when it was ended
    std::uint64_t waiting = 0;             ///< records
    std::uint64_t waiting_bytes = 0;
    /// By the sink: disk full, ...
    std::uint64_t refused() const { return dropped - dropped_queue_full - dropped_at_end; }
};

enum class Delivery {
    direct,  ///< to files and standard output, however long they take
    queued,  ///< every sink has a thread and a queue of its own, and holds up only itself
};

/// All sinks of one configuration. Thread-safe.
class Output final : public RecordSink {
  public:
    /// Throws std::runtime_error if a sink cannot be opened (directory missing, not writable, ...), or the key file of
    /// `log.privacy` cannot be read.
    explicit Output(const Options& options, Delivery delivery = Delivery::direct);
    ~Output() override;

    void smtp(const Info& rec) override;
    void weird(const Weird& rec) override;
    void file(const FileInfo& rec) override;
    void ssl(const SslInfo& rec) override;
    void notice(const Notice& rec) override;
    void software(const Software& rec) override;

    void flush();
    /// At the end, when waiting holds up nothing any more: slow sinks are waited for until the deadline; those that
    /// take nothing for some seconds are given up.
    void hurry(std::chrono::steady_clock::time_point deadline);
    /// Nothing will be added any more: waits for the sinks as hurry() says.
    void end();
    /// Warns of sinks that have begun to wait or to lose records, or have recovered.
    void tell_news();
    /// Takes the place of `before`, to which nothing is added any more. Its sinks that none of ours continues end on
    /// threads of their own; until then records for the same place wait. Their counts are kept, in those of the sink of
    /// the same name or as a former sink, so that no sum ever decreases. Does not wait.
    void succeed(Output& before);
    void reopen();  ///< begins new files, after the old ones were moved away
    std::vector<SinkStatus> status() const;
    /// For the engines whose records these are, so that what belongs to a record that is dropped goes with it; nullptr:
    /// there is no policy.
    std::shared_ptr<const DropPolicy> drop_policy() const;
    /// Records that `log.policy` or `log.privacy` kept from the sinks, those of earlier outputs included, in the order
    /// of streams().
    std::vector<std::uint64_t> dropped_by_policy() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// The agent's own messages: to stderr, or to journald when stderr is connected to it.
void set_level(Level level);
void message(Level level, std::string_view text);

}  // namespace smtpscope::log
