// SPDX-License-Identifier: BSD-3-Clause
#include "cli/reload.h"

#include <chrono>

#include "agent/control_socket.h"
#include "cli/running_agent.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope reload [-c FILE] [--set control.socket=PATH]

Has the running agent load its configuration file again, and prints which keys have changed, and which of these wait for
a restart. With -c, FILE has to be the file that the agent was started with. Exit status 1 if the agent refuses it, and
goes on with what it has, or if no agent answers.
)";

/// Sinks are opened meanwhile.
constexpr std::chrono::seconds patience{60};

}  // namespace

int run_reload(int argc, char** argv) {
    const auto arguments = parse(argc, argv, usage, Configurable::yes);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    const Configuration configuration = load_if_possible(*arguments);
    const auto found = find_agent(*arguments, configuration);
    if (!found) {
        complain(why_not_found(configuration.config.control_socket) + ".");
        if (configuration.broken.empty()) return exit_failed;
        throw config::Error(configuration.broken);
    }
    if (!agent::has_file(*found, config::absolute_path(arguments->config))) {
        if (!arguments->config.empty())
            throw UsageError("the agent on " + found->socket + " has another configuration file, " +
                             found->loaded.file + "; name that one, or leave -c out.");
        tell_elsewhere(configuration, *found);
    }
    print(agent::ask(found->socket, "reload", patience));
    return exit_done;
}

}  // namespace smtpscope::cli
