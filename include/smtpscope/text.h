// SPDX-License-Identifier: BSD-3-Clause
// Extraction of addresses from protocol text, with the meaning of the reference's base/utils/{email,addrs}. All are
// linear in the length of their input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtpscope {

/// Mail addresses in the argument of MAIL or RCPT, in their order, without blanks and the characters `<>,:;`.
std::vector<std::string> extract_email_addrs(std::string_view text);

/// The first of them; empty if there is none.
std::string extract_first_email_addr(std::string_view text);

/// The comma-separated mailboxes of a header field such as To, display names included; a part without `@` is left out.
std::vector<std::string> split_mime_email_addresses(std::string_view value);

enum class Wrapping {
    any,       ///< every address in the text
    required,  ///< only those in a matching pair of brackets, braces, parentheses or spaces
};

/// Valid IPv4 and IPv6 addresses in a text, in their order, as they are written there, without the tag of a literal.
std::vector<std::string_view> extract_ip_addresses(std::string_view text, Wrapping wrapping);

}  // namespace smtpscope
