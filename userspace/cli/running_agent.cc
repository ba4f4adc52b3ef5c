// SPDX-License-Identifier: BSD-3-Clause
#include "cli/running_agent.h"

#include "agent/control_socket.h"

namespace smtpscope::cli {

namespace {

std::string file_named(const Arguments& arguments) {
    return arguments.config.empty() ? "" : config::absolute_path(arguments.config);
}

bool names_socket(const Arguments& arguments) {
    return config::parse("", "", arguments.overrides).control_socket != config::Config().control_socket;
}

}  // namespace

Configuration load_if_possible(const Arguments& arguments) {
    Configuration result{config::parse("", "", arguments.overrides), {}};
    try {
        result.config = arguments.load_config();
    } catch (const config::Error& e) {
        result.broken = e.what();
    }
    return result;
}

std::optional<agent::FoundAgent> find_agent(const Arguments& arguments, const Configuration& configuration) {
    const std::string& expected = configuration.config.control_socket;
    const std::string file = file_named(arguments);
    if (names_socket(arguments)) return agent::agent_at(expected);
    auto found = agent::find_agent(expected, file);
    if (!configuration.broken.empty() && found && !agent::has_file(*found, file)) return std::nullopt;
    return found;
}

void tell_elsewhere(const Configuration& configuration, const agent::FoundAgent& found) {
    if (configuration.broken.empty() && found.socket != configuration.config.control_socket)
        complain("nobody answers on " + configuration.config.control_socket + "; this is the agent on " + found.socket +
                 ", with " + found.loaded.file + ".");
}

std::string why_not_found(const std::string& socket) {
    try {
        agent::ask(socket, "configuration");
    } catch (const std::exception& e) {
        return e.what();
    }
    return "the agent on " + socket + " has another configuration file";
}

void tell_broken(const Configuration& configuration, const std::optional<agent::FoundAgent>& running) {
    complain(configuration.broken);
    if (!running) return;
    const std::string& refusal = running->loaded.refusal;
    complain("the running agent goes on with what it has loaded" + (refusal.empty() ? "." : "; " + refusal));
}

std::string socket_of_agent(const Arguments& arguments) {
    const Configuration configuration = load_if_possible(arguments);
    const auto found = find_agent(arguments, configuration);
    if (!configuration.broken.empty()) {
        if (!found) throw config::Error(configuration.broken);
        tell_broken(configuration, found);
    } else if (found) {
        tell_elsewhere(configuration, *found);
    }
    return found ? found->socket : configuration.config.control_socket;
}

}  // namespace smtpscope::cli
