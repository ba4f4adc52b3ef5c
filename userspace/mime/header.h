// SPDX-License-Identifier: BSD-3-Clause
// One header field, and the grammar of structured ones (RFC 5322, 2.2 and RFC 2045, 5.1), read as leniently as the
// reference reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::mime {

/// A field's name, and its value without the white space before it. Both point into the field.
struct HeaderField {
    std::string_view name;
    std::string_view value;
};

/// Splits an unfolded field; nullopt if it does not begin with a name and a colon.
std::optional<HeaderField> parse_header_field(std::string_view field);

enum class MediaType { multipart, message, other };

/// What a Content-Type field says about the structure of the message.
struct ContentType {
    MediaType type = MediaType::other;
    std::optional<std::string> boundary;  ///< of a multipart; may be empty
};

/// What Content-Transfer-Encoding says (RFC 2045, 6); 7bit, 8bit, binary and unknown ones change nothing.
enum class Encoding : std::uint8_t { identity, quoted_printable, base64 };
/// nullopt if there is no token in it.
std::optional<Encoding> parse_transfer_encoding(std::string_view value);

/// nullopt if there is no type/subtype in it. A multipart without a boundary is MediaType::other.
std::optional<ContentType> parse_content_type(std::string_view value);

}  // namespace smtpscope::mime
