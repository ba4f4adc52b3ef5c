// SPDX-License-Identifier: BSD-3-Clause
// The records that wait for journald and go there one after the other, also after it was away.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "log/journal_socket.h"
#include "log/patience.h"
#include "log/sink_queue.h"
#include "log/tally.h"

namespace smtpscope::log {

/// Thread-safe. While journald is away or busy its records wait, within the bounds. When some were lost an entry says
/// how many and why, where they would have been; one every few seconds at most, at the place of the first loss.
class JournalLane final : private Consumer {
  public:
    JournalLane(std::string path, QueueBounds bounds)
        : tally_("journald"), socket_(std::move(path)), queue_(*this, tally_, patience_, bounds) {}

    void begin_after(std::shared_future<void> former) { queue_.begin_after(std::move(former)); }
    void push(Parcel entry) { queue_.push(std::move(entry)); }
    void hurry(SinkQueue::Clock::time_point deadline) { queue_.hurry(deadline); }
    void close() { queue_.close(); }
    void end() { queue_.end(); }
    Tally& tally() { return tally_; }
    SinkStatus status() const { return queue_.status(); }
    bool is_like(const JournalLane& other) const { return socket_.path() == other.socket_.path(); }

  private:
    void take(const Parcel& parcel, std::uint64_t dropped) override;
    std::optional<std::chrono::milliseconds> rest(std::uint64_t dropped) override;
    void tell_losses();
    int send(std::string_view entry);
    void wait_after(int error);
    std::string sentence(int error) const;

    /// Lost and not yet reported.
    struct Losses {
        std::uint64_t queue_full = 0;
        std::uint64_t refused = 0;
        std::uint64_t all() const { return queue_full + refused; }
    };

    Tally tally_;
    Patience patience_;
    JournalSocket socket_;
    Losses losses_;
    std::optional<SinkQueue::Clock::time_point> told_;
    SinkQueue queue_;  ///< last: its thread uses the others
};

}  // namespace smtpscope::log
