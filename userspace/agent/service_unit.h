// SPDX-License-Identifier: BSD-3-Clause
// Who runs the agent on this machine, by the installed unit.
#pragma once

#include <optional>
#include <string_view>

#include "config/places.h"

namespace smtpscope::agent {

/// From what `systemctl show smtpscope.service` prints, a property a line. nullopt if no such unit is installed.
std::optional<config::Runner> runner_of_unit(std::string_view properties);

/// As whom the service will run, if systemd runs and it is installed; else this process. Waits for systemd for five
/// seconds at most.
config::Runner expected_runner();

}  // namespace smtpscope::agent
