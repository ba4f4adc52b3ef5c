// SPDX-License-Identifier: BSD-3-Clause
// What lines and replies are by their form alone. Asked only where bytes were lost: otherwise the order tells.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtp/protocol.h"

namespace smtpscope::smtp {

/// A line that is a command by its whole form, and hardly one of a letter.
bool is_plain_command(std::string_view line);

/// A line's end, or all of it, that is a BDAT command; empty if none is.
std::string_view chunk_command_at_end(std::string_view line);

/// What a reply can only be to, by its code or its status (RFC 3463, 3.2); `unknown` for most.
Verb verb_of_reply(std::uint16_t code, std::string_view text);

}  // namespace smtpscope::smtp
