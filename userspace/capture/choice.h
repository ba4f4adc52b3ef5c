// SPDX-License-Identifier: BSD-3-Clause
// Which interfaces to attach to: decided from a list of interfaces, without asking the system.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "capture/interfaces.h"

namespace smtpscope::capture {

/// Names and globs of interfaces, or `auto`: Options::interfaces.
using Patterns = std::vector<std::string>;

/// Whether one of them matches `name`.
bool names_interface(const Patterns& patterns, std::string_view name);

/// Whether the pattern is a name: the interface has to be there at the start. `auto` and globs may find theirs later.
bool is_one_name(std::string_view pattern);

/// Whether the interface is asked for by its own name.
bool is_listed(const Patterns& patterns, std::string_view name);

/// Whether the configuration wants this interface. `auto`: those that are up and that we can read, each packet once.
bool is_wanted(const Patterns& patterns, const Interface& interface);

/// Those of `present` that are wanted.
std::vector<Interface> wanted_among(const Patterns& patterns, const std::vector<Interface>& present);

/// Whether packets of `upper` are seen on another interface that is wanted too: a part of it, or the one below it.
bool is_covered(const Interface& upper, const std::vector<Interface>& wanted);

/// The bridge that an interface is a port of; 0 if it is none.
unsigned bridge_of(const Interface& interface, const std::vector<Interface>& present);

/// What to do now.
struct Choice {
    std::vector<unsigned> end;     ///< indexes: those that are gone, or whose packets are seen on another one too
    std::vector<Interface> go_on;  ///< they may have another name or MTU than before
    std::vector<Interface> begin;
};

/// `watched`: the indexes of those that are attached to. One that is watched stays so when it is no longer wanted: it
/// may just be down.
Choice choose(const Patterns& patterns, const std::vector<Interface>& present, const std::set<unsigned>& watched);

/// Throws Error where one name is none of those present.
void expect_named(const Patterns& patterns, const std::vector<Interface>& present);

/// Whether it is enough to start with that `attached` interfaces could be attached to and `failed` could not: what is
/// asked for by name must work; of `auto` and globs, something must.
bool is_enough(const Patterns& patterns, std::size_t attached, const std::vector<Interface>& failed);

}  // namespace smtpscope::capture
