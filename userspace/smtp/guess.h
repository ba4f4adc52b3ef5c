// SPDX-License-Identifier: BSD-3-Clause
// What lines and replies are by their form alone. Used only where bytes were lost: otherwise their order shows what
// they are.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtp/protocol.h"

namespace smtpscope::smtp {

/// Whether the whole line has the form of a command, so that it is hardly content.
bool is_plain_command(std::string_view line);

/// The BDAT command at the end of a line, which may be all of it; empty if there is none.
std::string_view chunk_command_at_end(std::string_view line);

/// The only command that a reply can answer, by its code or its status (RFC 3463, 3.2); `unknown` for most replies.
Verb verb_of_reply(std::uint16_t code, std::string_view text);

}  // namespace smtpscope::smtp
