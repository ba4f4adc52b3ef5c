// SPDX-License-Identifier: BSD-3-Clause
// What a server's reply says besides its code.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::records {

/// The enhanced status code (RFC 3463) that the text begins with, `5.1.1`; RFC 2034 puts it there.
std::optional<std::string_view> enhanced_status(std::string_view text);

/// The server's own name for a message that it has accepted, as Postfix, Exim, Sendmail, OpenSMTPD, Exchange, Gmail and
/// their relatives write it into the final reply.
std::optional<std::string_view> queue_id(std::string_view text);

/// The keyword of a line of the reply to EHLO (RFC 5321, 4.1.1.1), in capitals; empty if it is none.
std::string extension_keyword(std::string_view text);

}  // namespace smtpscope::records
