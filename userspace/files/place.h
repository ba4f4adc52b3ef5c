// SPDX-License-Identifier: BSD-3-Clause
// Whether a user can keep files at a place, and what to do if not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "files/identity.h"

namespace smtpscope::files {

/// What a place is for.
enum class Use : std::uint8_t {
    logs,        ///< a directory that has to be there
    extraction,  ///< a directory whose last component is made if it is missing; it must not be writable for everybody
    socket,      ///< the same, but it may be writable for everybody
    log,         ///< a file in such a directory that is appended to; it need not be there
    key,         ///< a file that is read
};

struct Obstacle {
    std::string why;     ///< as "Permission denied"
    std::string remedy;  ///< as "name another"
};

/// What keeps `who` from that use; nullopt if nothing does, or if only that user could find out.
std::optional<Obstacle> obstacle(const std::string& path, Use use, const Identity& who);

/// The command that makes the directory, such as `install -d -o ...`.
std::string command_to_make(const std::string& directory, Use use, const Identity& who);

}  // namespace smtpscope::files
