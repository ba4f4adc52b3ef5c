// SPDX-License-Identifier: BSD-3-Clause
// The thread that takes records from the queue to the sinks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "agent/event.h"
#include "agent/record_queue.h"
#include "log/output.h"

namespace smtpscope::agent {

class Writer {
  public:
    Writer(std::unique_ptr<log::Output> output, QueueLimits limits = {});
    /// close() and join.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Where workers put their records.
    RecordQueue& queue() { return queue_; }

    /// At the end: until the deadline workers wait for room, and the writer waits for the sinks.
    void hurry(std::chrono::steady_clock::time_point deadline);
    /// Nothing will be added any more: the thread writes what is left, flushes the sinks and ends.
    void close() { queue_.close(); }
    /// Readable once the thread has ended.
    int ended_fd() const { return ended_.get(); }

    /// Records that come from now on go to the new sinks, as Output::succeed() says. Does not wait for any sink.
    void replace(std::unique_ptr<log::Output> output);
    /// Records that come from now on go to new files.
    void reopen();
    std::vector<log::SinkStatus> sinks() const;
    /// Warns of sinks that have begun to wait or to lose records, or have recovered.
    void tell_news() const { output()->tell_news(); }
    /// By stream, those of outputs that were replaced included.
    std::vector<std::uint64_t> dropped_by_policy() const;

  private:
    void write_all();
    void write(const std::vector<Record>& batch);
    void apply_changes();
    std::shared_ptr<log::Output> output() const;

    RecordQueue queue_;
    Descriptor ended_;
    mutable std::mutex mutex_;
    std::shared_ptr<log::Output> output_;             ///< changed by the thread alone
    std::vector<std::shared_ptr<log::Output>> next_;  ///< that will replace it, one after the other
    bool reopen_ = false;
    std::optional<std::chrono::steady_clock::time_point> hurry_;  ///< of the sinks
    std::thread thread_;
};

}  // namespace smtpscope::agent
