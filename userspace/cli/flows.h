// SPDX-License-Identifier: BSD-3-Clause
// `smtpscope flows`: the sessions that the running agent follows.
#pragma once

namespace smtpscope::cli {

int run_flows(int argc, char** argv);

}  // namespace smtpscope::cli
