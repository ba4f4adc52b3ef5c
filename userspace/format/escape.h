// SPDX-License-Identifier: BSD-3-Clause
// Escapes bytes from the network for a line of text. No function here lets a control character, a separator or half a
// character through.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::format {

/// As the reference writes strings in JSON, with the quotes. A string of printable characters only (or \b \f \n \r \t)
/// is kept; in any other, each byte that is not printable ASCII or one of those five becomes `\\xHH`.
void append_json_string(std::string& out, std::string_view text);

/// As the reference writes strings in TSV: separators and backslashes are escaped, the pieces between them are kept
/// when printable; otherwise their non-printable bytes become `\xHH`. `-` and `(empty)` are escaped to differ from the
/// marks of unset and empty fields.
enum class Within { field, set };
void append_tsv_string(std::string& out, std::string_view text, Within within);

/// For people: characters are kept, but bytes and characters that could move a cursor, change the direction of text or
/// end a line become `\xHH`.
void append_visible(std::string& out, std::string_view text);

}  // namespace smtpscope::format
