// SPDX-License-Identifier: BSD-3-Clause
// The text of `smtpscope --help`.
#pragma once

#include <string_view>

namespace smtpscope::cli {

inline constexpr std::string_view usage =
    R"(usage: smtpscope SUBCOMMAND [OPTION]... [ARGUMENT]...

One record for each mail transaction that reaches this host, or that is in a capture file.

  run            watch this host's interfaces, in the foreground (what systemd starts)
  read           the same analysis on capture files
  check-config   validate a configuration file, or print what is in effect
  probe          what this kernel and its interfaces allow, and what is missing
  status         ask the running agent
  flows          the sessions that it follows
  top            the same, live
  reload         have it load its configuration again
  detach         remove what a killed agent left attached

      --version      print the version
  -h, --help         print this text; smtpscope SUBCOMMAND --help for that subcommand

Exit status: 0 done, 1 it failed while running, 2 the command line or the configuration is wrong.
)";

}  // namespace smtpscope::cli
