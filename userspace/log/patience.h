// SPDX-License-Identifier: BSD-3-Clause
// How long the thread of a sink may wait for the receiver of its records: until end() is called.
#pragma once

#include <atomic>
#include <chrono>

namespace smtpscope::log {

/// Thread-safe.
class Patience {
  public:
    Patience();
    ~Patience();
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

    /// Both return early, with false, when the patience is at its end.
    bool pause(std::chrono::milliseconds time) const;
    /// False, too, if the descriptor cannot be written to within the time.
    bool wait_writable(int fd, std::chrono::milliseconds time) const;

    /// Ends every wait, for good.
    void end();
    bool is_over() const { return over_; }

    /// Something was taken: the receiver is not stuck.
    void moved() { last_move_ = std::chrono::steady_clock::now(); }
    std::chrono::steady_clock::time_point last_move() const { return last_move_; }

  private:
    int event_;
    std::atomic<bool> over_{false};
    std::atomic<std::chrono::steady_clock::time_point> last_move_{};
};

}  // namespace smtpscope::log
