// SPDX-License-Identifier: BSD-3-Clause
// What became of one sink's records.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "log/output.h"

namespace smtpscope::log {

enum class LossCause {
    refused,     ///< by the sink: disk full, ...
    queue_full,  ///< no room in the queue of the sink
    ended,       ///< the sink was ended before it had taken them
};

/// Thread-safe.
class Tally {
  public:
    using Clock = std::chrono::steady_clock;
    /// The least time between two sentences about the same sink, except the first.
    static constexpr std::chrono::seconds between_news{5};

    explicit Tally(std::string name);

    void wrote(std::uint64_t records);
    void dropped(std::uint64_t records, LossCause cause, const std::string& why);
    /// Nothing is lost yet, but nothing can be written.
    void waits(const std::string& why);
    /// Something went wrong that cost no record; until all_is_done().
    void failed(const std::string& why);
    void all_is_done();

    SinkStatus status() const;

    /// A sentence when the sink has begun to lose records or to wait, or has recovered, since the last one.
    std::optional<std::string> news(Clock::time_point now = Clock::now());

  private:
    enum class State { well, waiting, losing };
    std::string sentence() const;

    mutable std::mutex mutex_;
    SinkStatus status_;
    State state_ = State::well;       ///< after the last event
    State told_state_ = State::well;  ///< by the last news
    std::optional<Clock::time_point> told_;
    std::string failure_;          ///< that cost no record
    bool failure_is_told_ = true;  ///< in news()
};

}  // namespace smtpscope::log
