// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace smtpscope::cli {

/// `smtpscope probe`: what this kernel and these interfaces allow. 0 if `run` would start, else 1.
int run_probe(int argc, char** argv);

}  // namespace smtpscope::cli
