// SPDX-License-Identifier: BSD-3-Clause
// What takes the place of a value that is hidden.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "files/keyed_hash.h"
#include "format/schema.h"
#include "log/rules.h"

namespace smtpscope::log {

/// Why a column cannot be hidden that way, in a sentence; nullopt if it can.
std::optional<std::string> cannot_hide(const format::Column& column, Hiding how);

/// Mail addresses within a text: the text around an @ up to a blank, a bracket, a comma and the like, or a quoted
/// local part (RFC 5321, 4.1.2). Each is replaced by its hash.
std::string hide_addresses(std::string_view text, const files::KeyedHash& hash);
/// `550 5.1.1 <bob@example.net>: unknown` to `550 5.1.1`; `550` if there is no enhanced status code (RFC 3463).
std::string hide_reply_text(std::string_view reply);
/// An entry of rejected_rcptto, `ADDRESS: CODE TEXT`, in its two parts; the text as hide_reply_text() leaves it.
struct Refusal {
    std::string_view address;
    std::string reply;
};
Refusal split_refusal(std::string_view entry);

/// What was hidden of one record, and the memory for the replacements: used again for the next record.
class Hidden {
  public:
    void begin(std::size_t columns);
    /// Begins the next record, of which nothing is hidden yet.
    void forget() { any_ = false; }
    bool any() const { return any_; }
    const std::vector<std::optional<Hiding>>& columns() const { return how_; }

    /// Hides a column as a rule says; later rules do not change that.
    void by_rule(std::size_t column, Hiding how);
    /// Hides it as the preset says, where that is stricter.
    void at_least(std::size_t column, Hiding how);
    /// Replaces the values, which live until begin(). Columns without a value are no longer called hidden.
    void apply(const format::Stream& stream, std::vector<format::Value>& values, const files::KeyedHash& hash);

    /// Puts the replacements into the record, too, so that format::summary() shows no more.
    template <class Record>
    void write_to(Record& rec, std::span<const format::Value> values) const {
        format::write_values(values, marks(), rec);
        if constexpr (std::is_same_v<Record, Info>) hide_rejection(rec);
    }

  private:
    format::Marks marks() const;
    void hide_rejection(Info& rec) const;
    std::string_view keep(std::string text);
    std::string hidden_text(std::string_view text, const format::Column& column, Hiding how,
                            const files::KeyedHash& hash) const;
    format::Value hide(const format::Value& value, const format::Column& column, Hiding how,
                       const files::KeyedHash& hash);

    std::vector<std::optional<Hiding>> how_;  ///< by column
    std::deque<std::string> texts_;
    std::deque<std::vector<std::string>> lists_;
    bool any_ = false;
};

}  // namespace smtpscope::log
