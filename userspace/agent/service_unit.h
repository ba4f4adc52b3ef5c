// SPDX-License-Identifier: BSD-3-Clause
// Which user runs the agent on this machine, according to the installed unit.
#pragma once

#include <optional>
#include <string_view>

#include "config/places.h"

namespace smtpscope::agent {

/// From the output of `systemctl show smtpscope.service`, one property on each line. nullopt if no such unit is
/// installed.
std::optional<config::Runner> runner_of_unit(std::string_view properties);

/// The user that the service will run as, if systemd runs and the service is installed; else that of this process.
/// Waits for systemd for five seconds at most.
config::Runner expected_runner();

}  // namespace smtpscope::agent
