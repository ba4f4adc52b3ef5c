// SPDX-License-Identifier: BSD-3-Clause
// Where the running agent listens, also when the configuration does not tell.
#pragma once

#include <string>

#include "agent/reload.h"

namespace smtpscope::agent {

/// What an agent says of its configuration.
struct Loaded {
    std::string file;     ///< that it reads, absolute
    std::string refusal;  ///< of the last reload, in words; empty if it was not refused
};

/// The answer to the request `configuration`.
std::string configuration_answer(const std::string& file, const Refusal& refusal);
/// Asks the agent at `socket`. Throws as ask() does.
Loaded ask_configuration(const std::string& socket);

/// The control socket of the running agent: `expected`, if somebody answers there; else that of the smtpscope process
/// that listens elsewhere, as far as /proc shows it to us. `file`: the configuration file that it has to have, empty if
/// any will do. If there is none, `expected`. Throws std::runtime_error if there are several.
std::string find_agent(const std::string& expected, const std::string& file);

}  // namespace smtpscope::agent
