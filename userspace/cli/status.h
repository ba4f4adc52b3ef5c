// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace smtpscope::cli {

/// `smtpscope status`: what the running agent says about itself.
int run_status(int argc, char** argv);

}  // namespace smtpscope::cli
