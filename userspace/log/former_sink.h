// SPDX-License-Identifier: BSD-3-Clause
// A sink that has had its last record. It comes to its end on a thread of its own: whatever that has to wait for,
// nobody else does.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "log/sink.h"

namespace smtpscope::log {

class FormerSink {
  public:
    explicit FormerSink(std::shared_ptr<Sink> sink);
    /// Waits for the end.
    ~FormerSink();
    FormerSink(const FormerSink&) = delete;
    FormerSink& operator=(const FormerSink&) = delete;

    /// Ready when it has written its last byte.
    std::shared_future<void> ended() const { return ended_; }
    bool has_ended() const { return ended_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
    /// With the mark of a former one.
    SinkStatus status() const;
    /// That of its tally, before the end.
    std::optional<std::string> news();

  private:
    void run();

    mutable std::mutex mutex_;
    std::shared_ptr<Sink> sink_;  ///< until the end: it costs the others a little
    SinkStatus last_;             ///< from then on
    std::promise<void> end_;
    const std::shared_future<void> ended_;
    std::thread thread_;
};

}  // namespace smtpscope::log
