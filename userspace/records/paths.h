// SPDX-License-Identifier: BSD-3-Clause
// The arguments of MAIL and RCPT (RFC 5321, 4.1.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtpscope::records {

/// The path in an argument that begins with the keyword. `<postmaster>` (RFC 5321, 4.1.1.3) and local users have no
/// domain, which the reference asks of an address; `<>` is empty.
std::string_view path_of(std::string_view arg, std::string_view keyword);

/// The addresses in an argument of RCPT, as the reference finds them.
std::vector<std::string> recipients_of(std::string_view arg);

}  // namespace smtpscope::records
