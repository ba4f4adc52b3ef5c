// SPDX-License-Identifier: BSD-3-Clause
#include "cli/detach.h"

#include <cstdio>

#include "capture/live.h"
#include "cli/options.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope detach

Removes what a killed agent left attached, and nothing else. Since Linux 6.6 nothing is left: everything goes with the
process. Before, TC filters stay; they only copy packets into a buffer that nobody reads.
)";

}  // namespace

int run_detach(int argc, char** argv) {
    const auto arguments = parse(argc, argv, usage, Configurable::no);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    const std::vector<std::string> lines = capture::detach_leftovers();
    for (const std::string& line : lines) std::puts(line.c_str());
    if (lines.empty()) std::puts("nothing was left attached.");
    return exit_done;
}

}  // namespace smtpscope::cli
