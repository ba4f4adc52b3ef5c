// SPDX-License-Identifier: BSD-3-Clause
// What waits for one sink, and the thread that takes it there: a sink that is stuck holds up no other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "log/patience.h"
#include "log/tally.h"

namespace smtpscope::log {

/// Bytes that a sink takes as they are.
struct Parcel {
    std::string bytes;
    std::uint64_t records = 1;  ///< that are in them; 0: no bytes, but the request for a new file
    std::size_t stream = 0;     ///< in streams(), where that matters
};

/// How much may wait; what does not fit is dropped and counted. At the end, a sink that takes nothing for `stuck_after`
/// is given up.
struct QueueBounds {
    std::uint64_t records = 65536;
    std::size_t bytes = std::size_t{64} << 20;
    std::chrono::milliseconds stuck_after{3000};
};

/// The end of a queue. Called by its thread alone.
class Consumer {
  public:
    virtual ~Consumer() = default;
    /// Writes the parcel, or counts it as lost. `dropped`: records that the queue has dropped between the
    /// parcel before and this one.
    virtual void take(const Parcel& parcel, std::uint64_t dropped) = 0;
    /// Nothing waits. `dropped`: records that the queue has dropped since the last parcel. Returns when to be
    /// called again if nothing has come by then.
    virtual std::optional<std::chrono::milliseconds> rest(std::uint64_t dropped) = 0;
};

/// Thread-safe.
class SinkQueue {
  public:
    using Clock = std::chrono::steady_clock;

    /// All of them outlive it.
    SinkQueue(Consumer& consumer, Tally& tally, Patience& patience, QueueBounds bounds = {});
    /// end().
    ~SinkQueue();
    SinkQueue(const SinkQueue&) = delete;
    SinkQueue& operator=(const SinkQueue&) = delete;

    /// Nothing is taken before `former` is ready, or the sink is given up.
    void begin_after(std::shared_future<void> former);
    void push(Parcel parcel);

    /// At the end, when waiting holds up nothing any more: push() waits for room instead of dropping, until the
    /// deadline at the latest, and as long as the sink is not stuck.
    void hurry(Clock::time_point deadline);
    /// Nothing will be pushed any more. Returns at once.
    void close();
    /// Waits until all is taken, as long as hurry() allows; what is left then is counted as lost. Its own deadline, if
    /// there was no hurry(), is ten seconds.
    void end();

    /// The tally's, and what waits, the parcel that the sink is taking included.
    SinkStatus status() const;

  private:
    struct Waiting {
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
    };
    struct Item {
        Parcel parcel;
        std::uint64_t dropped_before = 0;
    };
    void work();
    std::optional<Item> next();
    void wait_for(const std::shared_future<void>& former) const;
    void done(const Parcel& parcel);
    bool has_room(const Parcel& parcel) const;
    bool wait_for_room(std::unique_lock<std::mutex>& lock, const Parcel& parcel);
    Clock::time_point given_up_at() const;
    void drop(const Parcel& parcel);

    Consumer& consumer_;
    Tally& tally_;
    Patience& patience_;
    const QueueBounds bounds_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable drained_;  ///< and, at the end, ended
    std::deque<Item> items_;
    std::vector<std::shared_future<void>> former_;
    Waiting waiting_;
    std::uint64_t dropped_ = 0;  ///< since the last item
    Clock::time_point hurried_{};
    Clock::time_point deadline_{};  ///< epoch: no hurry
    bool closed_ = false;
    bool ended_ = false;
    std::thread thread_;
};

}  // namespace smtpscope::log
