// SPDX-License-Identifier: BSD-3-Clause
// What this kernel and its interfaces allow, without changing anything.
#pragma once

#include <string>
#include <vector>

#include "capture/source.h"

namespace smtpscope::capture {

enum class Finding {
    good,
    lesser,   ///< works, though not in the best way
    missing,  ///< capture does not work without it
};

/// One line of the report.
struct ProbeLine {
    Finding finding = Finding::good;
    std::string subject;  ///< `kernel`, `capabilities`, an interface, ...
    std::string text;
    std::string remedy;  ///< what to do about it; may be empty
};

struct ProbeReport {
    std::vector<ProbeLine> lines;
    bool works = false;    ///< `run` would start with these options, once no agent is `running`
    bool running = false;  ///< some of the interfaces are watched
};

/// Loads the programs to see whether the kernel takes them, and attaches nothing. Never throws Error.
ProbeReport probe(const Options& options);

}  // namespace smtpscope::capture
