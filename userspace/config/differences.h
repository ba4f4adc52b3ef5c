// SPDX-License-Identifier: BSD-3-Clause
// What is not the same in two configurations, and what of it a running agent can take up.
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

/// Whether only the next start can give the key, as `capture.ports`, another value.
bool needs_restart(std::string_view key);

/// The configuration that `running` becomes when it is told of `wanted`: that, except for the keys that need a restart.
Config merged(const Config& running, const Config& wanted);

}  // namespace smtpscope::config
