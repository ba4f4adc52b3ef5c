// SPDX-License-Identifier: BSD-3-Clause
#include "cli/run.h"

#include "agent/agent.h"
#include "capture/live.h"
#include "cli/options.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope run [-c FILE] [-i IFACE]... [--set KEY=VALUE]...

Watches the mail traffic of this host's interfaces, in the foreground, until SIGTERM or SIGINT. SIGHUP reopens the log
files and reads the configuration again. Needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.

  -i, --interface IFACE a name or a glob, instead of capture.interfaces; may be repeated
)";

}  // namespace

int run_run(int argc, char** argv) {
    agent::Invocation invocation;
    const std::vector<Option> options = {
        {'i', "interface", "IFACE", [&](const std::string& name) { invocation.interfaces.push_back(name); }}};
    const auto arguments = parse(argc, argv, usage, Configurable::yes, options);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    invocation.config_path = arguments->config;
    invocation.overrides = arguments->overrides;
    return agent::Agent(std::move(invocation), capture::open_live).run() ? exit_done : exit_failed;
}

}  // namespace smtpscope::cli
