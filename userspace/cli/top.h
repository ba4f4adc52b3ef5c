// SPDX-License-Identifier: BSD-3-Clause
// `smtpscope top`: the sessions that the running agent follows, live.
#pragma once

namespace smtpscope::cli {

int run_top(int argc, char** argv);

}  // namespace smtpscope::cli
