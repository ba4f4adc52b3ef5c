// SPDX-License-Identifier: BSD-3-Clause
// Records between the worker that makes them and the thread that writes them: a slow sink must not hold up the capture.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <variant>
#include <vector>

#include "records/record.h"
#include "smtpscope/record_sink.h"

namespace smtpscope::agent {

using records::footprint;
using records::Record;

/// How much may wait for the sinks; a record that does not fit is dropped and counted.
struct QueueLimits {
    std::size_t records = 65536;
    std::size_t bytes = std::size_t{64} << 20;
};

struct QueueStats {
    std::uint64_t pending = 0;  ///< waiting, or taken and not yet written
    std::uint64_t pending_bytes = 0;
    std::array<std::uint64_t, std::variant_size_v<Record>> dropped{};  ///< by stream: the queue was full
};

/// One producer, one consumer; each holds the lock only while records are moved.
class RecordQueue final : public RecordSink {
  public:
    explicit RecordQueue(QueueLimits limits = {}) : limits_(limits) {}

    void smtp(const Info& rec) override;
    void weird(const Weird& rec) override;
    void file(const FileInfo& rec) override;
    void ssl(const SslInfo& rec) override;
    void notice(const Notice& rec) override;
    void software(const Software& rec) override;

    /// From now on the producer waits for room instead of dropping, each time until `deadline` at the latest: at the
    /// end there is no capture to hold up.
    void wait_when_full(std::chrono::steady_clock::time_point deadline);
    /// Nothing will be added any more.
    void close();

    /// Makes take() return, even without a record.
    void wake();

    /// Waits for records and moves all of them into `batch`, which is cleared first. False when the queue is closed and
    /// empty. The records count as pending until the next call.
    bool take(std::vector<Record>& batch);

    QueueStats stats() const;

  private:
    void push(Record&& record);
    bool has_room(std::size_t bytes) const;

    const QueueLimits limits_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable drained_;
    std::vector<Record> records_;
    std::size_t bytes_ = 0;
    std::size_t taken_ = 0;  ///< records of the last batch, which the consumer is writing
    std::size_t taken_bytes_ = 0;
    std::array<std::uint64_t, std::variant_size_v<Record>> dropped_{};
    std::chrono::steady_clock::time_point wait_until_{};
    bool closed_ = false;
    bool woken_ = false;
};

}  // namespace smtpscope::agent
