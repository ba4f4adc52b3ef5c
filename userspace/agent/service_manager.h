// SPDX-License-Identifier: BSD-3-Clause
// The agent's side of sd_notify(3). Without a service manager nothing of it has an effect.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/file_descriptor.h"

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

    /// Zero if the service manager does not watch.
    std::chrono::milliseconds watchdog_interval() const { return watchdog_interval_; }

  private:
    /// What the service manager has to know is worth a moment of waiting; the rest is not.
    enum class Importance { vital, optional };
    void tell(std::string_view state, Importance importance) const;

    FileDescriptor socket_;  ///< none if nobody wants to hear
    std::chrono::milliseconds watchdog_interval_{};
};

}  // namespace smtpscope::agent
