// SPDX-License-Identifier: BSD-3-Clause
// A sink that has had its last record. It ends on a thread of its own, so that nobody else has to wait for
// it.
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
    /// Marked as a former sink.
    SinkStatus status() const;
    /// That of its tally, before the end.
    std::optional<std::string> news();

  private:
    void run();

    mutable std::mutex mutex_;
    std::shared_ptr<Sink> sink_;  ///< until the end
    SinkStatus last_;             ///< after the end
    std::promise<void> end_;
    const std::shared_future<void> ended_;
    std::thread thread_;
};

}  // namespace smtpscope::log
