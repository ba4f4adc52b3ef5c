// SPDX-License-Identifier: BSD-3-Clause
// What was lost since the last check, by cause: logged when it grows, and only then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/status.h"

namespace smtpscope::agent {

struct Loss {
    std::string cause;
    std::uint64_t total = 0;  ///< since the start
    std::string detail;       ///< may be empty
};

/// Everything in a status that means that a packet, some bytes of one or a record was lost.
std::vector<Loss> losses(const Status& status);

class LossWatch {
  public:
    /// The causes that have grown since the last call, as `lost: 3 packets lost_ring_full (12 in all)`; empty if none
    /// has.
    std::string update(const std::vector<Loss>& now);

  private:
    std::map<std::string, std::uint64_t> known_;
};

}  // namespace smtpscope::agent
