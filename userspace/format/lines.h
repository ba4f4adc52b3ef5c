// SPDX-License-Identifier: BSD-3-Clause
// A record as a line of text, in each of the formats.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "format/schema.h"

namespace smtpscope::format {

/// A JSON object and a line feed; fields that are not set are left out.
void append_json(std::string& out, const Stream& stream, std::span<const Value> values);

/// The values between tabs, and a line feed.
void append_tsv(std::string& out, std::span<const Value> values);
/// The lines that a TSV file begins and ends with; `now` is the wall clock's time.
std::string tsv_header(const Stream& stream, Timestamp now);
std::string tsv_footer(Timestamp now);

/// `2026-11-23T17:22:01.123456Z 192.0.2.1:40000 -> 192.0.2.2:25 SUMMARY`, without a line feed and without anything that
/// a terminal does not show in its place.
void append_brief(std::string& out, Timestamp ts, const ConnId& id, std::string_view summary);
/// The same for a record with hidden values: what its values do not tell is `-`.
void append_brief(std::string& out, const Stream& stream, std::span<const Value> values, std::string_view summary);

/// A value that is not a list, as text: the form of TSV, without escapes in strings. For journald.
void append_plain(std::string& out, const Value& value);

}  // namespace smtpscope::format
