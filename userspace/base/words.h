// SPDX-License-Identifier: BSD-3-Clause
// Sizes and times as people read them, in every message and table. A configuration's units, which are read back, are
// config/units.
#pragma once

#include <cstdint>
#include <string>

#include "smtpscope/time.h"

namespace smtpscope {

/// `38.0 KiB`: powers of 1024 with one decimal, plain bytes below 1 KiB; at most nine characters.
std::string size_in_words(std::uint64_t bytes);

/// `4 s`, `12 min`, `3 h`, `8 d`: rounded down, at least two of the unit above seconds; nothing is below 0.
std::string time_in_words(Duration time);

}  // namespace smtpscope
