// SPDX-License-Identifier: BSD-3-Clause
// What `smtpscope top` shows at a time.
#pragma once

#include <string>

#include "agent/flows.h"

namespace smtpscope::cli {

/// What happened between two lists of the same agent: a line for all, a heading, and the sessions through which most
/// bytes went, at most `rows` of them. Where no time has passed, rates are `-`.
std::string top_frame(const agent::FlowList& before, const agent::FlowList& now, std::size_t rows);

}  // namespace smtpscope::cli
