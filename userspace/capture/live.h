// SPDX-License-Identifier: BSD-3-Clause
// The capture of this host's packets: loads and attaches the kernel programs, reads the rings, writes verdicts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture/capture.h"

namespace smtpscope::capture {

/// As OpenCapture says.
std::unique_ptr<Capture> open_live(const Options& options, Inheritance inherited = {});

/// Removes what a killed agent left attached (clsact filters with our handle); the lines say what was removed.
std::vector<std::string> detach_leftovers();

}  // namespace smtpscope::capture
