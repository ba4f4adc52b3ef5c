// SPDX-License-Identifier: BSD-3-Clause
#include "base/words.h"

#include <algorithm>
#include <string_view>

namespace smtpscope {

std::string size_in_words(std::uint64_t bytes) {
    constexpr unsigned step = 10;  // of the binary logarithm
    if (bytes >> step == 0) return std::to_string(bytes) + " B";
    std::string_view unit = "KMGTPE";
    // Tenths of the unit, to the nearest; a number that would take five digits is one of the next unit.
    const auto tenths = [bytes](unsigned shift) {
        const std::uint64_t whole = bytes >> shift, rest = bytes & ((std::uint64_t{1} << shift) - 1);
        const std::uint64_t few = rest >> (shift - step);  // ten bits of the rest are enough, and cannot overflow
        return whole * 10 + (few * 10 + (1U << (step - 1))) / (1U << step);
    };
    unsigned shift = step;
    while (tenths(shift) >= 10'000 && unit.size() > 1) {
        unit.remove_prefix(1);
        shift += step;
    }
    const std::uint64_t n = tenths(shift);
    return std::to_string(n / 10) + '.' + std::to_string(n % 10) + ' ' + unit.front() + "iB";
}

std::string time_in_words(Duration time) {
    const auto seconds = std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(time).count());
    constexpr std::int64_t minute = 60, hour = 3600, day = 86400;
    if (seconds < 2 * minute) return std::to_string(seconds) + " s";
    if (seconds < 2 * hour) return std::to_string(seconds / minute) + " min";
    if (seconds < 2 * day) return std::to_string(seconds / hour) + " h";
    return std::to_string(seconds / day) + " d";
}

}  // namespace smtpscope
