// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::mime {

/// Text in any charset that iconv knows, by its name in MIME, as UTF-8. What is not valid in the charset becomes
/// U+FFFD. nullopt if there is no such charset. A language after the name (RFC 2231, 5) is ignored.
std::optional<std::string> to_utf8(std::string_view charset, std::string_view bytes);

/// The text with U+FFFD for each byte that is not part of valid UTF-8 (RFC 3629).
std::string valid_utf8(std::string_view text);

}  // namespace smtpscope::mime
