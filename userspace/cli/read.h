// SPDX-License-Identifier: BSD-3-Clause
// `smtpscope read`: the analysis on capture files.
#pragma once

namespace smtpscope::cli {

int run_read(int argc, char** argv);

}  // namespace smtpscope::cli
