// SPDX-License-Identifier: BSD-3-Clause
// Bytes from the network on their way into a line of text. None of these lets a control character, a separator or half
// a character through.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::format {

/// As the reference writes strings in JSON, with the quotes. A string whose every character is fit to print (or one of
/// \b \f \n \r \t) is kept; in any other, each byte that is not printable ASCII or one of those five becomes `\\xHH`.
void append_json_string(std::string& out, std::string_view text);

/// As the reference writes strings in TSV: separators and backslashes are escaped, the pieces between them are kept
/// when fit to print, and have their odd bytes as `\xHH` otherwise. `-` and `(empty)` are told from the marks of
/// unset and empty fields.
enum class Within { field, set };
void append_tsv_string(std::string& out, std::string_view text, Within within);

/// For people: characters stay, bytes and characters that could move a cursor, turn text around or end a line become
/// `\xHH`.
void append_visible(std::string& out, std::string_view text);

}  // namespace smtpscope::format
