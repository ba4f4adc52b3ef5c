// SPDX-License-Identifier: BSD-3-Clause
#include "cli/running_agent.h"

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

std::optional<RunningAgent> find_agent(const Arguments& arguments, const Configuration& configuration) {
    const std::string& expected = configuration.config.control_socket;
    const std::string file = file_named(arguments);
    const bool named = names_socket(arguments);
    RunningAgent found{named ? expected : agent::find_agent(expected, file), {}};
    try {
        found.loaded = agent::ask_configuration(found.socket);
    } catch (const std::exception&) {
        return std::nullopt;
    }
    if (!configuration.broken.empty() && !named && !file.empty() && found.loaded.file != file) return std::nullopt;
    return found;
}

}  // namespace smtpscope::cli
