// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace smtpscope::cli {

/// `smtpscope run`: the agent, in the foreground.
int run_run(int argc, char** argv);

}  // namespace smtpscope::cli
