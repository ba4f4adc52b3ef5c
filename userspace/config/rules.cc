// SPDX-License-Identifier: BSD-3-Clause
#include "config/rules.h"

#include <algorithm>
#include <stdexcept>

#include "format/schema.h"
#include "log/hiding.h"
#include "log/matcher.h"

namespace smtpscope::config {
namespace {

using log::Action;
using log::Hiding;
using log::Kind;
using log::Operator;
using log::Rule;

constexpr Name<Action> action_names[] = {
    {"keep", Action::keep}, {"drop", Action::drop}, {"drop-record", Action::drop_record}};
constexpr Name<Hiding> hiding_names[] = {
    {"omit", Hiding::omit}, {"sha256", Hiding::sha256}, {"code", Hiding::code}, {"addresses", Hiding::addresses}};

/// A rule as it is in the file: what its fields mean depends on its stream.
struct Draft {
    YAML::Node stream, when, hide, action;
};

struct AsItStands {
    static void parse(const YAML::Node& node, YAML::Node& into) { into.reset(node); }
    static void dump(YAML::Emitter& out, const YAML::Node& node) { out << node; }
};

constexpr Key<Draft> keys[] = {
    key<AsItStands, &Draft::when>("when"),
    key<AsItStands, &Draft::hide>("hide"),
    key<AsItStands, &Draft::action>("action"),
    key<AsItStands, &Draft::stream>("stream"),
};
constexpr Table<Draft> table{keys};

bool given(const YAML::Node& node) {
    return node.IsDefined() && !node.IsNull();
}

const format::Stream& stream_of(const YAML::Node& node) {
    const auto all = format::streams();
    if (!given(node)) return all.front();
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const format::Stream& s) { return node.IsScalar() && s.name == node.Scalar(); });
    if (found == all.end()) not_one_of(node, format::stream_names());
    return *found;
}

/// The field most like `name`; if `name` is only the beginning of others, such as `id`, the first of these.
std::string nearest_field(const format::Stream& stream, const std::string& name) {
    std::vector<std::string> flat;  // for nearest() a dot would begin a section
    for (const format::Column& c : stream.columns) {
        if (c.name.starts_with(name + ".")) return c.name;
        std::replace_copy(c.name.begin(), c.name.end(), std::back_inserter(flat.emplace_back()), '.', ' ');
    }
    const std::vector<std::string_view> views(flat.begin(), flat.end());
    std::string wanted = name;
    std::replace(wanted.begin(), wanted.end(), '.', ' ');
    std::string found = nearest(views, wanted);
    std::replace(found.begin(), found.end(), ' ', '.');
    return found;
}

const format::Column& column_of(const format::Stream& stream, const YAML::Node& name) {
    const auto column = format::find_column(stream, name.Scalar());
    if (!column)
        throw BadValue(name, "there is no field " + name.Scalar() + " in the " + std::string(stream.name) +
                                 " stream; the nearest is " + nearest_field(stream, name.Scalar()) + ".");
    return stream.columns[*column];
}

/// What a value without an operator is compared by.
Operator shorthand(Kind kind) {
    if (kind == Kind::text) return Operator::glob;
    return kind == Kind::address ? Operator::cidr : Operator::equals;
}

/// Intervals may have units, which records do not have.
std::string value_of(const YAML::Node& node, Kind kind, Operator op) {
    std::string text = text_scalar(node, "a value to compare with");
    if (kind != Kind::interval || op == Operator::present) return text;
    const auto duration = parse_duration(text);
    if (!duration || text == "0") return text;
    const auto microseconds = std::chrono::floor<std::chrono::microseconds>(*duration).count();
    std::string decimals = std::to_string(microseconds % 1'000'000);
    return std::to_string(microseconds / 1'000'000) + "." + decimals.insert(0, 6 - decimals.size(), '0');
}

/// Throws BadValue at `where` if the test cannot be made.
void check_test(const YAML::Node& where, const format::Column& column, const log::Test& test) {
    try {
        const log::Matcher matcher(column, test);
    } catch (const std::invalid_argument& e) {
        throw BadValue(where, column.name + ": " + e.what());
    }
}

/// One value, or a list of which one has to match.
log::Test test_of(const YAML::Node& node, const format::Column& column, Operator op) {
    const Kind kind = log::kind_of(column);
    log::Test test{op, {}};
    if (!node.IsSequence()) {
        test.values.push_back(value_of(node, kind, op));
        check_test(node, column, test);
        return test;
    }
    if (node.size() == 0) throw BadValue(node, column.name + ": the list is empty; it needs a value.");
    for (const YAML::Node& item : node) {
        test.values.push_back(value_of(item, kind, op));
        check_test(item, column, {op, {test.values.back()}});
    }
    check_test(node, column, test);
    return test;
}

Operator operator_of(const YAML::Node& node) {
    Operator op{};
    Enum<log::operator_names>::parse(node, op);
    return op;
}

log::Condition condition_of(const YAML::Node& name, const YAML::Node& value, const format::Stream& stream) {
    const format::Column& column = column_of(stream, name);
    log::Condition condition{column.name, {}};
    if (!given(value))
        throw BadValue(name, column.name + " has nothing to be compared with; whether it is set is { present: true }.");
    if (!value.IsMap()) {
        condition.tests.push_back(test_of(value, column, shorthand(log::kind_of(column))));
        return condition;
    }
    check_section(value, column.name);
    if (value.size() == 0) throw BadValue(value, column.name + ": the section is empty; it needs a comparison.");
    for (const auto& entry : value) condition.tests.push_back(test_of(entry.second, column, operator_of(entry.first)));
    return condition;
}

Rule rule_of(const YAML::Node& node) {
    if (!node.IsMap())
        throw BadValue(node, "a rule is a section, such as { when: { mailfrom: \"*@example.org\" }, action: drop }.");
    Draft draft;
    table.set_all("", node, draft);
    const format::Stream& stream = stream_of(draft.stream);
    Rule rule;
    rule.stream = stream.name;
    if (given(draft.action)) Enum<action_names>::parse(draft.action, rule.action);
    if (given(draft.when)) {
        check_section(draft.when, "when");
        for (const auto& entry : draft.when) rule.when.push_back(condition_of(entry.first, entry.second, stream));
    }
    if (given(draft.hide)) {
        check_section(draft.hide, "hide");
        for (const auto& entry : draft.hide) {
            const format::Column& column = column_of(stream, entry.first);
            log::Hide hide{column.name, {}};
            Enum<hiding_names>::parse(entry.second, hide.how);
            if (const auto why = log::cannot_hide(column, hide.how)) throw BadValue(entry.second, *why);
            rule.hide.push_back(std::move(hide));
        }
    }
    if (rule.action == Action::go_on && rule.hide.empty())
        throw BadValue(node, "a rule needs an action (keep, drop or drop-record) or fields to hide.");
    if (log::drops(rule.action) && !rule.hide.empty())
        throw BadValue(draft.hide, "of a record that is dropped there is nothing to hide; make two rules of it.");
    return rule;
}

/// Quoted, so that `*` and `no` stay what they are.
void dump_text(YAML::Emitter& out, const std::string& text) {
    out << YAML::DoubleQuoted << text;
}

void dump_condition(YAML::Emitter& out, const log::Condition& condition) {
    out << YAML::Key << condition.field << YAML::Value << YAML::BeginMap;
    for (const log::Test& test : condition.tests) {
        out << YAML::Key << std::string(name_in(log::operator_names, test.op)) << YAML::Value << YAML::BeginSeq;
        for (const std::string& value : test.values) dump_text(out, value);
        out << YAML::EndSeq;
    }
    out << YAML::EndMap;
}

void dump_rule(YAML::Emitter& out, const Rule& rule) {
    out << YAML::Flow << YAML::BeginMap;
    if (rule.stream != Rule().stream) out << YAML::Key << "stream" << YAML::Value << rule.stream;
    if (!rule.when.empty()) {
        out << YAML::Key << "when" << YAML::Value << YAML::BeginMap;
        for (const log::Condition& c : rule.when) dump_condition(out, c);
        out << YAML::EndMap;
    }
    if (!rule.hide.empty()) {
        out << YAML::Key << "hide" << YAML::Value << YAML::BeginMap;
        for (const log::Hide& h : rule.hide) {
            out << YAML::Key << h.field << YAML::Value;
            Enum<hiding_names>::dump(out, h.how);
        }
        out << YAML::EndMap;
    }
    if (rule.action != Action::go_on) {
        out << YAML::Key << "action" << YAML::Value;
        Enum<action_names>::dump(out, rule.action);
    }
    out << YAML::EndMap;
}

}  // namespace

void Rules::parse(const YAML::Node& node, std::vector<Rule>& into) {
    expect_list(node);
    std::vector<Rule> rules;
    for (const YAML::Node& item : node) rules.push_back(rule_of(item));
    into = std::move(rules);
}

void Rules::dump(YAML::Emitter& out, const std::vector<Rule>& rules) {
    if (rules.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Rule& rule : rules) dump_rule(out, rule);
    out << YAML::EndSeq;
}

}  // namespace smtpscope::config
