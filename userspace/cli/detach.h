// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace smtpscope::cli {

/// `smtpscope detach`: removes what a killed agent left behind.
int run_detach(int argc, char** argv);

}  // namespace smtpscope::cli
