// SPDX-License-Identifier: BSD-3-Clause
// One comparison of a rule, ready to be made. RE2 is behind this header and nowhere else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "format/schema.h"
#include "log/rules.h"
#include "smtpscope/address.h"

namespace re2 {
class RE2;
}

namespace smtpscope::log {

/// The kind of a column's values; of a set or vector, of its elements.
enum class Kind : std::uint8_t { flag, number, time, interval, text, address };
Kind kind_of(const format::Column& column);

/// Takes time linear in the value, whatever the pattern is and however many values the test has.
class Matcher {
  public:
    /// Throws std::invalid_argument, which says in a sentence why the test cannot be made of this column.
    Matcher(const format::Column& column, const Test& test);
    ~Matcher();
    Matcher(Matcher&&) noexcept;
    Matcher& operator=(Matcher&&) noexcept;

    bool matches(const format::Value& value) const;

  private:
    struct Presence {
        bool expected;
    };
    struct Flag {
        bool expected;
    };
    struct Bounds {
        std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  ///< least and most, of numbers or microseconds
    };
    using Pattern = std::unique_ptr<re2::RE2>;
    std::variant<Presence, Flag, Bounds, Pattern, SubnetSet> test_;

    bool matches_one(bool v) const;
    bool matches_one(std::int64_t v) const;
    bool matches_one(std::string_view v) const;
    bool matches_one(const Address& v) const;
};

}  // namespace smtpscope::log
