// SPDX-License-Identifier: BSD-3-Clause
// What is not the same in two configurations.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace smtpscope::config {

struct Difference {
    std::string key;            ///< `capture.ports`
    std::string before, after;  ///< the values, as YAML on one line
};

/// In the order of the keys' table.
std::vector<Difference> differences(const Config& before, const Config& after);

}  // namespace smtpscope::config
