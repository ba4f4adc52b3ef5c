// SPDX-License-Identifier: BSD-3-Clause
// The one clock of the library: nanoseconds since the Unix epoch, always the packet's time, never the machine's.
#pragma once

#include <chrono>
#include <cstdint>

namespace smtpscope {

using Duration = std::chrono::nanoseconds;
using Timestamp = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// Nanoseconds since the epoch to a Timestamp.
constexpr Timestamp from_nanoseconds(std::int64_t ns) {
    return Timestamp(Duration(ns));
}

/// Microseconds since the epoch, the resolution of all records.
constexpr std::int64_t to_microseconds(Timestamp t) {
    return std::chrono::floor<std::chrono::microseconds>(t).time_since_epoch().count();
}

}  // namespace smtpscope
