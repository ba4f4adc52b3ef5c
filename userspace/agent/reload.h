// SPDX-License-Identifier: BSD-3-Clause
// What a new configuration changes in a running agent, and what it cannot change.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/differences.h"

namespace smtpscope::agent {

/// Why and when the last reload was refused.
struct Refusal {
    std::string why;  ///< empty: it was not
    Timestamp at{};
};

/// To the second.
std::string in_words(Timestamp time);
/// `the last reload, 2026-11-23T17:22:01Z, was refused: WHY`; empty if it was not.
std::string in_words(const Refusal& refusal);

/// For the user who asked for a reload: what was loaded, and a line for each difference that was applied or waits for
/// a restart.
std::string to_text(const config::Origin& origin, const std::vector<config::Difference>& differences);

}  // namespace smtpscope::agent
