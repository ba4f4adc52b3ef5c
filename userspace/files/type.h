// SPDX-License-Identifier: BSD-3-Clause
// What a file is, by its content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::files {

constexpr std::size_t type_beginning = 4096;  ///< bytes that are looked at, as many as the reference looks at

/// The MIME type by the first bytes of a file, under the reference's name. nullopt if nothing is known: an empty file,
/// a kind of file without a name, or no database on this machine.
std::optional<std::string> detect_type(std::string_view content);

/// Why there is no database for detect_type(); empty if there is one. Loads it, which takes milliseconds: each thread
/// loads its own with its first file that is not plain text.
std::string type_database_error();

/// Whether a text is plain: only printable characters, and a beginning that is not that of some format of text. Other
/// files are left to the database.
bool is_plain_text(std::string_view content);

}  // namespace smtpscope::files
