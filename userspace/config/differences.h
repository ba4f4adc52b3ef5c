// SPDX-License-Identifier: BSD-3-Clause
// The differences of two configurations, and which of them a running agent can apply.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace smtpscope::config {

struct Difference {
    std::string key;            ///< `capture.ports`
    std::string before, after;  ///< the values, as YAML on one line
};

/// In the order of the keys' table.
std::vector<Difference> differences(const Config& before, const Config& after);

/// Whether a change of the key, such as `capture.ports`, needs a restart.
bool needs_restart(std::string_view key);

/// What `running` becomes when `wanted` is loaded: `wanted`, except for the keys that need a restart.
Config merged(const Config& running, const Config& wanted);

}  // namespace smtpscope::config
