// SPDX-License-Identifier: BSD-3-Clause
// Numbers, times and addresses appended to a buffer, without locale, allocation or rounding.
#pragma once

#include <cstdint>
#include <string>

#include "smtpscope/address.h"
#include "smtpscope/time.h"

namespace smtpscope::format {

void append_number(std::string& out, std::uint64_t number);

/// Seconds with six decimals, as in TSV, or with as many as are needed but at least one, as in JSON.
enum class Zeros { keep, trim };
void append_seconds(std::string& out, std::int64_t microseconds, Zeros zeros);

void append_address(std::string& out, const Address& address);

/// `2026-11-23T17:22:01.123456Z`
void append_utc(std::string& out, Timestamp ts);
/// `2026-11-23-17-22-01`, local time, as in the reference's #open and #close.
std::string local_stamp(Timestamp ts);
/// `20261123T172201.123456Z`, for file names.
std::string utc_stamp(Timestamp ts);

}  // namespace smtpscope::format
