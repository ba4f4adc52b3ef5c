// SPDX-License-Identifier: BSD-3-Clause
#include "cli/status.h"

#include "agent/control_socket.h"
#include "cli/running_agent.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope status [--json] [-c FILE] [--set KEY=VALUE]...

Asks the running agent, at control.socket of the configuration, for the configuration that is in effect, its
attachments, counters by cause, sinks and memory. Exit status 1 if no agent answers. A configuration file that is broken
or names another socket is told of on stderr; the agent is found all the same.

      --json            one JSON object, for programs
)";

}  // namespace

int run_status(int argc, char** argv) {
    bool json = false;
    const std::vector<Option> options = {{0, "json", nullptr, [&](const std::string&) { json = true; }}};
    const auto arguments = parse(argc, argv, usage, Configurable::yes, options);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    const std::string path = socket_of_agent(*arguments);
    print(agent::ask(path, json ? "status json" : "status text"));
    return exit_done;
}

}  // namespace smtpscope::cli
