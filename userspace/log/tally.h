// SPDX-License-Identifier: BSD-3-Clause
// What became of one sink's records.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "log/output.h"

namespace smtpscope::log {

/// Thread-safe.
class Tally {
  public:
    explicit Tally(std::string name);

    void wrote(std::uint64_t records);
    void dropped(std::uint64_t records, const std::string& why);
    /// Goes on from the counts of an earlier sink.
    void inherit(const SinkStatus& before);
    /// Something went wrong that cost no record.
    void failed(const std::string& why);

    SinkStatus status() const;

    /// A sentence when the sink has begun to lose records, or has recovered, since the last call.
    std::optional<std::string> news();

  private:
    mutable std::mutex mutex_;
    SinkStatus status_;
    bool losing_ = false;           ///< the last thing that happened was a loss
    bool reported_losing_ = false;  ///< the last news was of a loss
    std::string trouble_;           ///< that cost no record and was not reported yet
};

}  // namespace smtpscope::log
