// SPDX-License-Identifier: BSD-3-Clause
// The agent's side of sd_notify(3) and of the service manager's store of descriptors. Without a service manager none
// of it has any effect.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "capture/inheritance.h"

namespace smtpscope::agent {

class ServiceManager {
  public:
    ServiceManager();

    void ready();
    void reloading();
    void stopping();
    void status(const std::string& text);
    /// Due every watchdog_interval(); without one, nothing is sent.
    void alive();

    /// Descriptors that an earlier process of this service put into the store (sd_listen_fds_with_names(3)). To be
    /// called once; they are the caller's.
    std::vector<capture::Kept> take_stored();
    /// Makes the store hold `wanted` and nothing else of ours. What is `inherited` is there already.
    void store(const std::vector<capture::Kept>& wanted);
    /// Whether this process is stopped so that another one can take its place at once.
    static bool is_restarting();

    /// Zero if the service manager does not watch.
    std::chrono::milliseconds watchdog_interval() const { return watchdog_interval_; }

  private:
    /// Only messages that the service manager must get are worth a short wait.
    enum class Importance { vital, optional };
    void tell(std::string_view state, Importance importance) const;

    Descriptor socket_;             ///< none if there is no service manager
    std::set<std::string> stored_;  ///< names in the store
    std::set<std::string> known_;   ///< of these, put there by us
    std::chrono::milliseconds watchdog_interval_{};
};

}  // namespace smtpscope::agent
