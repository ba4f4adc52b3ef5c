// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtpscope {

/// Which end of a connection sent something.
enum class Side : std::uint8_t { orig, resp };

constexpr Side opposite(Side s) {
    return s == Side::orig ? Side::resp : Side::orig;
}
constexpr std::size_t index(Side s) {
    return s == Side::orig ? 0 : 1;
}

}  // namespace smtpscope
