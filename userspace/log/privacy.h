// SPDX-License-Identifier: BSD-3-Clause
// The presets of `log.privacy` as rules, and the key of what is hidden by its hash.
#pragma once

#include <string>
#include <vector>

#include "log/options.h"

namespace smtpscope::log {

/// The rules that a preset stands for. All of them hold, whatever the rules of the configuration say.
const std::vector<Rule>& rules_of(Preset preset);

/// Whether something is hidden by its hash, and no file holds the key: hashes cannot be compared with those of another
/// start.
bool has_passing_key(const Options& options);

/// The key: the file's content without the line feed at its end, or else a random one that lasts as long as the
/// process. Throws std::runtime_error if the file cannot be read, if others than its owner and its group can read it,
/// if others than its owner can write it, or if it holds less than 16 or more than 4,096 bytes.
std::string key_of(const Privacy& privacy);

}  // namespace smtpscope::log
