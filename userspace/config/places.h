// SPDX-License-Identifier: BSD-3-Clause
// The places on this system that a configuration names, and whether they can be used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "files/place.h"

namespace smtpscope::config {

/// What a unit of systemd makes of the file system for its process (systemd.exec(5)).
struct Confinement {
    enum class Access : std::uint8_t { writable, read_only, hidden };
    struct Rule {
        std::string path;  ///< the rule is for it and what is below
        Access access;
        std::string setting;  ///< of the unit, such as `ProtectSystem=strict`
    };
    std::string unit;               ///< its name; empty: there is none
    std::vector<std::string> made;  ///< directories that systemd makes for it, and gives it
    std::vector<Rule> rules;        ///< a hidden path stays hidden; otherwise the longest path counts
};

/// Who will use the places. By default this process, as it is.
struct Runner {
    files::Identity user = files::own_identity();
    Confinement unit = {};
};

struct Place {
    std::string key;  ///< of the configuration, which names the path
    std::string path;
    files::Use use;
    bool vital;  ///< the agent does not start without it
};

/// The path without links, as far as it exists, and without a slash at its end.
std::string resolved(const std::string& path);

/// All of them, in the order of the configuration.
std::vector<Place> places(const Config& config);

/// What keeps the runner from using it; none if nothing does.
std::vector<files::Obstacle> obstacles(const Place& place, const Runner& runner);

/// As a sentence: `KEY: PATH: WHY; REMEDY.`
std::string in_words(const Place& place, const files::Obstacle& obstacle);

/// Throws std::runtime_error with the sentences about the vital places that this process cannot use.
void expect_usable(const Config& config);

}  // namespace smtpscope::config
