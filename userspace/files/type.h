// SPDX-License-Identifier: BSD-3-Clause
// What a file is, by its content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::files {

constexpr std::size_t type_beginning = 4096;  ///< bytes that are looked at, as many as the reference looks at

/// The MIME type by the first bytes of a file, under the reference's name. nullopt if nothing is known: an empty file,
/// no kind of file that has a name, or no database on this machine.
std::optional<std::string> detect_type(std::string_view content);

/// Why there is no database for detect_type(); empty if there is one. Loads it, which takes milliseconds: each thread
/// has its own, from its first file on that is no plain text.
std::string type_database_error();

/// Whether a text is just that: of printable characters, and without anything at its beginning that some format of
/// text begins with. What is not plain is the database's business.
bool is_plain_text(std::string_view content);

}  // namespace smtpscope::files
