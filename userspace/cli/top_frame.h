// SPDX-License-Identifier: BSD-3-Clause
// One frame of `smtpscope top`.
#pragma once

#include <string>

#include "agent/flows.h"

namespace smtpscope::cli {

/// Room for text; at least one of each.
struct Window {
    std::size_t rows, columns;
};

/// What happened between two lists of the same agent: the sums, a heading, and the sessions through which most bytes
/// went. Never more than the window has room for: sums are folded, columns of the table left out, the least useful
/// first, and what is still too long is cut. Lines have a line feed between them, none after the last. Where no time
/// has passed, rates are `-`.
std::string top_frame(const agent::FlowList& before, const agent::FlowList& now, Window window);

}  // namespace smtpscope::cli
