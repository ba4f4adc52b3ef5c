// SPDX-License-Identifier: BSD-3-Clause
// One ring as a packet source. It belongs to one worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "capture/capture.h"
#include "capture/records.h"
#include "capture/ring.h"

namespace smtpscope::capture {

/// The interfaces whose packets arrive with checksums worth validating. Thread-safe.
class ChecksumInterfaces {
  public:
    void set(std::vector<std::uint32_t> ifindexes);
    /// Changes whenever set() is called.
    std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
    std::vector<std::uint32_t> get() const;

  private:
    mutable std::mutex mutex_;
    std::vector<std::uint32_t> ifindexes_;
    std::atomic<std::uint64_t> generation_{0};
};

class Shard final : public Source {
  public:
    /// The longest poll() without packets if a watermark keeps the first packet from waking it.
    static constexpr Duration watermark_poll = std::chrono::milliseconds(100);

    /// All outlive the shard. `longest_poll`: of one without packets, whatever timeout it is given. Throws Error.
    Shard(int ring_fd, std::uint64_t ring_size, volatile std::uint32_t* need_wake, const ChecksumInterfaces& checksums,
          Duration longest_poll)
        : ring_(ring_fd, ring_size, need_wake), checksums_(checksums), longest_poll_(longest_poll) {}

    SourceStatus poll(Duration timeout, const PacketHandler& handler) override;
    void wake() override { ring_.wake(); }
    /// Thread-safe.
    RingLevel level() const { return {ring_.fill(), ring_.size()}; }

  private:
    bool has_whole_checksums(std::uint32_t ifindex) const;

    Ring ring_;
    RecordReader reader_;
    const ChecksumInterfaces& checksums_;
    const Duration longest_poll_;
    std::vector<std::uint32_t> whole_;  ///< our copy of checksums_
    std::uint64_t generation_ = 0;      ///< of that copy
};

}  // namespace smtpscope::capture
