// SPDX-License-Identifier: BSD-3-Clause
// `smtpscope check-config`: is this configuration valid, and what are its effective values?
#pragma once

namespace smtpscope::cli {

int run_check_config(int argc, char** argv);

}  // namespace smtpscope::cli
