// SPDX-License-Identifier: BSD-3-Clause
#include "log/matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <stdexcept>

namespace smtpscope::log {
namespace {

using Limits = std::numeric_limits<std::int64_t>;

constexpr std::int64_t most_pattern_memory = 16 << 20;  // bytes of one test, compiled and at work
constexpr std::size_t most_pattern_length = 1 << 20;    // bytes of all of a test's texts together

std::string_view words_for(Kind kind) {
    constexpr std::string_view words[] = {"true or false", "a number", "a time", "an interval", "text", "an address"};
    return words[static_cast<std::size_t>(kind)];
}

/// Which operators a column of the kind takes.
std::string_view operators_of(Kind kind) {
    switch (kind) {
        case Kind::flag:
            return "equals or present";
        case Kind::text:
            return "equals, glob, regex or present";
        case Kind::address:
            return "equals, cidr or present";
        default:
            return "equals, lt, le, gt, ge or present";
    }
}

bool takes(Kind kind, Operator op) {
    switch (op) {
        case Operator::equals:
        case Operator::present:
            return true;
        case Operator::glob:
        case Operator::regex:
            return kind == Kind::text;
        case Operator::cidr:
            return kind == Kind::address;
        default:
            return kind == Kind::number || kind == Kind::time || kind == Kind::interval;
    }
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
    throw std::invalid_argument("\"" + text + "\" is not " + why + ".");
}

bool flag(const std::string& text) {
    if (text != "true" && text != "false") refuse(text, "true or false");
    return text == "true";
}

std::int64_t whole(std::string_view digits, const std::string& text, const std::string& expected) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 0) refuse(text, expected);
    return value;
}

/// Seconds with up to six decimals, as records have them, in microseconds.
std::int64_t microseconds_of(const std::string& text, const std::string& expected) {
    const std::size_t point = std::min(text.find('.'), text.size());
    const std::int64_t seconds = whole(std::string_view(text).substr(0, point), text, expected);
    std::string decimals = point < text.size() ? text.substr(point + 1) : "0";
    if (decimals.empty() || decimals.size() > 6) refuse(text, expected);
    decimals.resize(6, '0');
    std::int64_t total = 0;
    if (__builtin_mul_overflow(seconds, std::int64_t{1'000'000}, &total) ||
        __builtin_add_overflow(total, whole(decimals, text, expected), &total))
        refuse(text, expected);
    return total;
}

std::int64_t operand(Kind kind, const std::string& text) {
    if (kind == Kind::number) return whole(text, text, "a number");
    if (kind == Kind::time) return microseconds_of(text, "a time in seconds since 1970, such as 1700000000.5");
    return microseconds_of(text, "an interval, such as 30s, or 0.5 (seconds)");
}

/// The values that the comparison holds for; the first is greater than the second if there are none.
std::pair<std::int64_t, std::int64_t> range(Operator op, std::int64_t v) {
    switch (op) {
        case Operator::lt:
            return {Limits::min(), v - 1};  // v is not negative
        case Operator::le:
            return {Limits::min(), v};
        case Operator::gt:
            return v == Limits::max() ? std::pair{v, v - 1} : std::pair{v + 1, Limits::max()};
        case Operator::ge:
            return {v, Limits::max()};
        default:
            return {v, v};
    }
}

/// A text or glob as a pattern for the whole value. A * also matches bytes that are not UTF-8.
std::string quoted(Operator op, const std::string& text) {
    std::string pattern = "(?is:\\A";
    std::size_t plain = 0;
    const auto literal = [&](std::size_t end) { pattern += RE2::QuoteMeta(text.substr(plain, end - plain)); };
    for (std::size_t i = 0; op == Operator::glob && i < text.size(); ++i) {
        if (text[i] != '*' && text[i] != '?') continue;
        literal(i);
        pattern += text[i] == '*' ? "\\C*" : "(?:.|\\C)";
        plain = i + 1;
    }
    literal(text.size());
    return pattern + "\\z)";
}

std::unique_ptr<RE2> compile(const std::string& pattern) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(most_pattern_memory);
    return std::make_unique<RE2>(pattern, options);
}

std::unique_ptr<RE2> pattern_of(const Test& test) {
    std::string all;
    for (const std::string& text : test.values) {
        if (all.size() + text.size() > most_pattern_length)
            throw std::invalid_argument("the texts are more than a test can hold (1 MiB); make several rules of them.");
        const std::string one = test.op == Operator::regex ? text : quoted(test.op, text);
        // Each is compiled alone first: in the combined pattern a ) of one could close the group around it.
        if (const auto checked = compile(one); !checked->ok())
            refuse(text, "a regular expression that RE2 takes: " + checked->error());
        all.append(all.empty() ? "(?:" : "|(?:").append(one).append(")");
    }
    auto compiled = compile(all);
    if (!compiled->ok()) throw std::invalid_argument("the texts together are too much for RE2; use fewer in one rule.");
    return compiled;
}

SubnetSet networks(const Test& test) {
    std::vector<Subnet> nets;
    for (const std::string& text : test.values) {
        const auto net = Subnet::parse(text);
        if (test.op == Operator::equals && !Address::parse(text)) refuse(text, "an address, such as 192.0.2.1");
        if (!net) refuse(text, "an address or a network, such as 192.0.2.0/24 or 2001:db8::/32");
        nets.push_back(*net);
    }
    return SubnetSet(nets);
}

/// The one value that flags and presence are compared with.
bool single_flag(const Test& test) {
    if (test.values.size() != 1)
        throw std::invalid_argument(std::string(name_in(operator_names, test.op)) + " takes one value here.");
    return flag(test.values.front());
}

bool is_set(const format::Value& value) {
    if (const auto* texts = std::get_if<std::span<const std::string>>(&value)) return !texts->empty();
    if (const auto* addresses = std::get_if<std::span<const Address>>(&value)) return !addresses->empty();
    return !std::holds_alternative<std::monostate>(value);
}

}  // namespace

Kind kind_of(const format::Column& column) {
    std::string_view type = column.type;
    if (const std::size_t bracket = type.find('['); bracket != type.npos)
        type = type.substr(bracket + 1, type.size() - bracket - 2);
    if (type == "bool") return Kind::flag;
    if (type == "count" || type == "port") return Kind::number;
    if (type == "time") return Kind::time;
    if (type == "interval") return Kind::interval;
    return type == "addr" ? Kind::address : Kind::text;
}

Matcher::Matcher(const format::Column& column, const Test& test) {
    const Kind kind = kind_of(column);
    if (!takes(kind, test.op))
        throw std::invalid_argument("this is " + std::string(words_for(kind)) + ", which " +
                                    std::string(name_in(operator_names, test.op)) + " does not compare; it takes " +
                                    std::string(operators_of(kind)) + ".");
    if (test.op == Operator::present) {
        test_ = Presence{single_flag(test)};
    } else if (kind == Kind::flag) {
        test_ = Flag{single_flag(test)};
    } else if (kind == Kind::text) {
        test_ = pattern_of(test);
    } else if (kind == Kind::address) {
        test_ = networks(test);
    } else {
        Bounds bounds;
        for (const std::string& text : test.values) bounds.ranges.push_back(range(test.op, operand(kind, text)));
        test_ = std::move(bounds);
    }
}

Matcher::~Matcher() = default;
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;

bool Matcher::matches_one(bool v) const {
    const auto* test = std::get_if<Flag>(&test_);
    return test && test->expected == v;
}

bool Matcher::matches_one(std::int64_t v) const {
    const auto* test = std::get_if<Bounds>(&test_);
    return test && std::any_of(test->ranges.begin(), test->ranges.end(),
                               [v](const auto& r) { return r.first <= v && v <= r.second; });
}

bool Matcher::matches_one(std::string_view v) const {
    const auto* test = std::get_if<Pattern>(&test_);
    return test && RE2::PartialMatch(re2::StringPiece(v.data(), v.size()), **test);
}

bool Matcher::matches_one(const Address& v) const {
    const auto* test = std::get_if<SubnetSet>(&test_);
    return test && test->contains(v);
}

bool Matcher::matches(const format::Value& value) const {
    struct Visitor {
        const Matcher& m;
        bool operator()(std::monostate) const { return false; }
        bool operator()(bool v) const { return m.matches_one(v); }
        bool operator()(std::uint64_t v) const {
            return m.matches_one(static_cast<std::int64_t>(std::min(v, static_cast<std::uint64_t>(Limits::max()))));
        }
        bool operator()(Timestamp v) const { return m.matches_one(to_microseconds(v)); }
        bool operator()(Duration v) const {
            return m.matches_one(std::int64_t{std::chrono::floor<std::chrono::microseconds>(v).count()});
        }
        bool operator()(std::string_view v) const { return m.matches_one(v); }
        bool operator()(const Address& v) const { return m.matches_one(v); }
        bool operator()(std::span<const std::string> v) const {
            return std::any_of(v.begin(), v.end(), [this](const std::string& text) { return m.matches_one(text); });
        }
        bool operator()(std::span<const Address> v) const {
            return std::any_of(v.begin(), v.end(), [this](const Address& a) { return m.matches_one(a); });
        }
    };
    if (const auto* presence = std::get_if<Presence>(&test_)) return presence->expected == is_set(value);
    return std::visit(Visitor{*this}, value);
}

}  // namespace smtpscope::log
