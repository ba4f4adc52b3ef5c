// SPDX-License-Identifier: BSD-3-Clause
#include "cli/flows.h"

#include "agent/control_socket.h"
#include "agent/flows.h"
#include "cli/running_agent.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope flows [--json] [--limit NUMBER] [-c FILE] [--set KEY=VALUE]...

Asks the running agent, at control.socket of the configuration, for the sessions that it follows: how far they are, how
much has come and what the kernel did not copy. Those with the latest packets come first. Exit status 1 if no agent
answers.

      --json            one JSON object, for programs
      --limit NUMBER    at most so many, up to 10000 (1000)
)";

}  // namespace

int run_flows(int argc, char** argv) {
    bool json = false;
    std::uint64_t limit = 1000;
    const std::vector<Option> options = {{0, "json", nullptr, [&](const std::string&) { json = true; }},
                                         {0, "limit", "NUMBER", [&](const std::string& value) {
                                              limit = number("--limit", value, 1, agent::max_flows_listed);
                                          }}};
    const auto arguments = parse(argc, argv, usage, Configurable::yes, options);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    print(agent::ask(socket_of_agent(*arguments), (json ? "flows json " : "flows text ") + std::to_string(limit)));
    return exit_done;
}

}  // namespace smtpscope::cli
