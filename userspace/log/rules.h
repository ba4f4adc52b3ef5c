// SPDX-License-Identifier: BSD-3-Clause
// `log.policy` and `log.privacy` as they are in the configuration.
//
// Rules are tried in their order. A rule applies if all of its conditions hold. After one that hides, the next
// rule is tried; one that keeps or drops ends the list, and a record that no rule has dropped is kept. Conditions
// always compare the original value of a field, whatever earlier rules have hidden; if several hide it, the first of
// them says how.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/names.h"

namespace smtpscope::log {

/// How a field is compared.
enum class Operator : std::uint8_t {
    equals,  ///< text: equal, regardless of case
    glob,    ///< the same, where * stands for any bytes and ? for one character
    regex,   ///< RE2, found anywhere in the text
    cidr,    ///< in the network
    lt,
    le,
    gt,
    ge,       // numbers, times, intervals
    present,  ///< the field is set, and no empty list
};
/// The first name of each is the one that is shown.
inline constexpr Name<Operator> operator_names[] = {
    {"equals", Operator::equals}, {"glob", Operator::glob}, {"regex", Operator::regex},
    {"cidr", Operator::cidr},     {"lt", Operator::lt},     {"le", Operator::le},
    {"gt", Operator::gt},         {"ge", Operator::ge},     {"present", Operator::present},
    {"<", Operator::lt},          {"<=", Operator::le},     {">", Operator::gt},
    {">=", Operator::ge}};

/// Holds if one of the values does, for one element at least of a field that is a list.
struct Test {
    Operator op = Operator::equals;
    std::vector<std::string> values;  ///< times and intervals in seconds
    bool operator==(const Test&) const = default;
};

/// Holds if all tests do.
struct Condition {
    std::string field;
    std::vector<Test> tests;
    bool operator==(const Condition&) const = default;
};

/// What is left of a hidden field, in ascending strictness.
enum class Hiding : std::uint8_t {
    addresses,  ///< each mail address in the text as its keyed hash
    code,       ///< of a reply: its code and enhanced status code, without the text
    sha256,     ///< the keyed hash; of a refused recipient: that of the address, then as `code`
    omit,       ///< nothing
};

struct Hide {
    std::string field;
    Hiding how = Hiding::omit;
    bool operator==(const Hide&) const = default;
};

/// `drop`: a mail with all that belongs to it, a file with what was extracted of it; in other streams as `drop_record`,
/// which drops nothing but the record.
enum class Action : std::uint8_t { go_on, keep, drop, drop_record };

constexpr bool drops(Action action) {
    return action == Action::drop || action == Action::drop_record;
}

struct Rule {
    std::string stream = "smtp";  ///< whose records it is about
    std::vector<Condition> when;  ///< empty: every record
    std::vector<Hide> hide;
    Action action = Action::go_on;
    bool operator==(const Rule&) const = default;
};

/// What is hidden in every record, whatever the rules say.
enum class Preset : std::uint8_t { plain, no_content, pseudonymous };

struct Privacy {
    Preset preset = Preset::plain;
    std::string key_file;  ///< of the keyed hash; empty: a random key, made when the process starts
    bool operator==(const Privacy&) const = default;
};

}  // namespace smtpscope::log
