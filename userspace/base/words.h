// SPDX-License-Identifier: BSD-3-Clause
// Sizes and times as people read them, in every message and table. Units of the configuration, which are also parsed,
// are in config/units.
#pragma once

#include <cstdint>
#include <string>

#include "smtpscope/time.h"

namespace smtpscope {

/// `38.0 KiB`: powers of 1024 with one decimal, plain bytes below 1 KiB; at most nine characters.
std::string size_in_words(std::uint64_t bytes);

/// `4 s`, `12 min`, `3 h`, `8 d`: rounded down; a unit above seconds is used from two of it on; times below 0 count as
/// 0.
std::string time_in_words(Duration time);

}  // namespace smtpscope
