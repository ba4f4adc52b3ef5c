// SPDX-License-Identifier: BSD-3-Clause
// The record of a mail while it is being made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "smtpscope/records.h"

namespace smtpscope::records {

/// What the record will say, and what has to be known until then.
struct Draft {
    Info info;
    bool active = false;                  ///< there is something to log
    bool path_grows = true;               ///< Received fields still add to the path
    std::uint64_t entities = 0;           ///< of its message, so far
    std::optional<std::string> filename;  ///< of the entity that is being received
};

}  // namespace smtpscope::records
