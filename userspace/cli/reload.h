// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace smtpscope::cli {

/// `smtpscope reload`: has the running agent load its configuration again, and prints what has changed.
int run_reload(int argc, char** argv);

}  // namespace smtpscope::cli
