// SPDX-License-Identifier: BSD-3-Clause
// Numbers with units, as people write them in a configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpscope/time.h"

namespace smtpscope::config {

/// Decimal digits only; nullopt for anything else and for what does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// Bytes: `65536`, `100MB` (powers of 1000), `16MiB` (powers of 1024), up to TB and TiB; the case of letters is free.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// What parse_size() reads back, in the largest power of 1024 that divides it.
std::string format_size(std::uint64_t bytes);

/// `500ms`, `30s`, `15m`, `1d`, or several in a row as in `1h30m`; units ns us ms s m h d w. `0` needs no unit.
std::optional<Duration> parse_duration(std::string_view text);
/// What parse_duration() reads back, in the largest unit that divides it.
std::string format_duration(Duration d);

}  // namespace smtpscope::config
