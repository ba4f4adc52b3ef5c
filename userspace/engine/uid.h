// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "smtpscope/records.h"

namespace smtpscope::engine {

/// The connection's unique id in the reference's form: `C` and base-62 digits. A function of its arguments alone.
std::string make_uid(std::uint64_t seed, const ConnId& id, Timestamp begin);

}  // namespace smtpscope::engine
