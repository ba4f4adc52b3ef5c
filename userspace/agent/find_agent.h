// SPDX-License-Identifier: BSD-3-Clause
// Where the running agent listens, also if the configuration does not say.
#pragma once

#include <optional>
#include <string>

#include "agent/reload.h"

namespace smtpscope::agent {

/// What an agent says about its configuration.
struct Loaded {
    std::string file;     ///< that it reads, absolute
    std::string refusal;  ///< of the last reload, in words; empty if it was not refused
};

/// The answer to the request `configuration`.
std::string configuration_answer(const std::string& file, const Refusal& refusal);

struct FoundAgent {
    std::string socket;
    Loaded loaded;
};

/// The agent that answers at `socket`; nullopt if none does.
std::optional<FoundAgent> agent_at(const std::string& socket);

/// Whether that is its configuration file, by whatever name; any file is, if `file` is empty.
bool has_file(const FoundAgent& agent, const std::string& file);

/// The running agent: the one that answers at `expected`, if it has the configuration file `file`, or that is empty;
/// else a process that is found by /proc, has the file and can be trusted: of root, of the service's user or of our
/// own; else the one at `expected`, whatever its file. nullopt if there is none. Throws std::runtime_error if there are
/// several.
std::optional<FoundAgent> find_agent(const std::string& expected, const std::string& file);

}  // namespace smtpscope::agent
