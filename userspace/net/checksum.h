// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071).
#pragma once

#include <cstdint>

#include "smtpscope/packet.h"

namespace smtpscope::net {

/// One's complement sum, not yet folded or inverted; sums of pieces add up if all but the last have even length.
std::uint64_t partial_sum(Bytes data);

/// Folds a sum to 16 bits. A message whose sum includes its own right checksum folds to 0xffff.
std::uint16_t fold(std::uint64_t sum);

}  // namespace smtpscope::net
