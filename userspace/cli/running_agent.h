// SPDX-License-Identifier: BSD-3-Clause
// Finds the agent that a subcommand asks, also while the configuration file is broken.
#pragma once

#include <string>

#include "agent/find_agent.h"
#include "cli/options.h"

namespace smtpscope::cli {

/// What the arguments say, as far as it can be read.
struct Configuration {
    config::Config config;  ///< if the file cannot be read: the defaults, with --set
    std::string broken;     ///< why it cannot be; empty if it was
};
/// Throws config::Error if --set is wrong.
Configuration load_if_possible(const Arguments& arguments);

/// The one that answers at control.socket or, if nobody does there, the one that is found elsewhere; nullopt if there
/// is none. If a file was named and is broken, only an agent that has this file counts.
std::optional<agent::FoundAgent> find_agent(const Arguments& arguments, const Configuration& configuration);

/// On stderr, if it is not where the configuration says.
void tell_elsewhere(const Configuration& configuration, const agent::FoundAgent& found);
/// Why no agent was found there.
std::string why_not_found(const std::string& socket);

/// What is broken, and what it means to the agent, on stderr.
void tell_broken(const Configuration& configuration, const std::optional<agent::FoundAgent>& running);

/// Its socket. What is wrong with the configuration is told on stderr. Throws config::Error if the configuration is
/// wrong and no agent runs; if it is right, the socket is the one where an agent would be.
std::string socket_of_agent(const Arguments& arguments);

}  // namespace smtpscope::cli
