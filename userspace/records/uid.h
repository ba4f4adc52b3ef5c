// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include "smtpscope/records.h"

namespace smtpscope::records {

/// The connection's unique id in the reference's form: `C` and base-62 digits. A function of its arguments alone.
std::string make_uid(std::uint64_t seed, const ConnId& id, Timestamp begin);

/// The id of the `n`th file of a connection: `F` and base-62 digits.
std::string make_fuid(std::string_view uid, std::uint64_t n);

}  // namespace smtpscope::records
