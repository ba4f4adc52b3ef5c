// SPDX-License-Identifier: BSD-3-Clause
// Names of files in header fields (RFC 2183, RFC 2045), decoded (RFC 2231, RFC 2047).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::mime {

inline constexpr std::size_t max_filename_length = 4096;  ///< bytes; what is longer is cut off

/// The `filename` parameter of Content-Disposition; nullopt if there is none.
std::optional<std::string> filename_of_disposition(std::string_view value);
/// The `name` parameter of Content-Type, where mailers that do not use Content-Disposition put it.
std::optional<std::string> filename_of_content_type(std::string_view value);

}  // namespace smtpscope::mime
