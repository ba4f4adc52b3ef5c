// SPDX-License-Identifier: BSD-3-Clause
// What a new configuration can change in a running agent, and what it cannot.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace smtpscope::agent {

/// Why and when the last reload was refused.
struct Refusal {
    std::string why;  ///< empty: it was not
    Timestamp at{};
};

/// The keys, as `capture.ports`, in which `wanted` differs from `running` and that only a restart can change.
std::vector<std::string> needs_restart(const config::Config& running, const config::Config& wanted);

}  // namespace smtpscope::agent
