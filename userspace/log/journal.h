// SPDX-License-Identifier: BSD-3-Clause
// Entries of the systemd journal: for records, and for the agent's own messages.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/schema.h"

namespace smtpscope::log {

/// `KEY=value` fields of one entry; values may hold any byte.
class JournalEntry {
  public:
    JournalEntry(int priority, std::string_view message);

    void add(std::string_view key_with_equals, std::string_view value);
    /// SMTP_STREAM= and every field that is set, lists as repeated keys. What is more than an entry may hold is left
    /// out, and SMTP_FIELDS_LEFT_OUT= says how many they were.
    void add(const format::Stream& stream, std::span<const format::Value> values);

    /// The fields, valid as long as the entry is not changed.
    std::vector<std::string_view> fields() const;
    /// The entry as journald takes it: the fields with binary-safe values ("Native Journal Protocol" of systemd).
    std::string datagram() const;

  private:
    void add_one(const format::Column& column, const format::Value& value);

    std::string bytes_;
    std::vector<std::size_t> ends_;
    std::size_t left_out_ = 0;
};

/// Whether stderr goes to the journal (systemd.exec(5), JOURNAL_STREAM).
bool stderr_is_journal();

/// Whether systemd started this process.
bool under_systemd();

}  // namespace smtpscope::log
