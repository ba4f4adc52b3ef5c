// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::mime {

/// Appends what a line in quoted-printable (RFC 2045, 6.7) stands for, without its end. White space at its end is not
/// content; `=` before anything but two hexadecimal digits stands for itself, as do octets that ought to have been
/// encoded. False if the line is continued by the next one (a soft line break).
bool decode_quoted_printable(std::string_view line, std::string& out);

}  // namespace smtpscope::mime
