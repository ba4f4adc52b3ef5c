// SPDX-License-Identifier: BSD-3-Clause
#include "log/policy.h"

#include <algorithm>
#include <stdexcept>

#include "log/privacy.h"

namespace smtpscope::log {
namespace {

std::size_t index_of(const format::Stream& stream, const std::string& field) {
    const auto column = format::find_column(stream, field);
    if (!column)
        throw std::invalid_argument("there is no field " + field + " in the " + std::string(stream.name) + " stream.");
    return *column;
}

/// Fields that repeat the content of another one, and are hidden with it unless the rule names them itself.
constexpr std::pair<std::string_view, std::string_view> repeated[] = {
    {"subject", "subject_decoded"}, {"from", "from_decoded"}, {"rcptto", "rejected_rcptto"}};

void hide_repeated(std::vector<CompiledRule::HiddenColumn>& hide, const format::Stream& stream) {
    const auto find = [&hide](std::optional<std::size_t> column) {
        return std::find_if(hide.begin(), hide.end(), [&](const auto& h) { return h.column == column; });
    };
    for (const auto& [field, repetition] : repeated) {
        const auto column = format::find_column(stream, repetition);
        const auto cause = find(format::find_column(stream, field));
        if (column && cause != hide.end() && find(column) == hide.end()) hide.push_back({*column, cause->how});
    }
}

/// `addr` to `string`, `vector[addr]` to `vector[string]`.
void make_strings(std::string& type) {
    if (const std::size_t at = type.find("addr"); at != type.npos) type.replace(at, 4, "string");
}

}  // namespace

CompiledRule::CompiledRule(const Rule& rule, const format::Stream& stream) : action_(rule.action) {
    for (const Condition& c : rule.when) {
        const std::size_t column = index_of(stream, c.field);
        for (const Test& test : c.tests) when_.push_back({column, Matcher(stream.columns[column], test)});
    }
    for (const Hide& h : rule.hide) {
        const std::size_t column = index_of(stream, h.field);
        if (const auto why = cannot_hide(stream.columns[column], h.how)) throw std::invalid_argument(*why);
        hide_.push_back({column, h.how});
    }
    hide_repeated(hide_, stream);
}

bool CompiledRule::applies(std::span<const format::Value> values) const {
    return std::all_of(when_.begin(), when_.end(),
                       [values](const Comparison& c) { return c.matcher.matches(values[c.column]); });
}

Policy::Policy(const Options& options)
    : hash_(key_of(options.privacy)),
      streams_(format::streams().begin(), format::streams().end()),
      rules_(streams_.size()) {
    for (const Rule& rule : options.policy) add(rule, &StreamRules::rules);
    for (const Rule& rule : rules_of(options.privacy.preset)) add(rule, &StreamRules::preset);
}

void Policy::add(const Rule& rule, std::vector<CompiledRule> StreamRules::*where) {
    const auto plain = format::streams();
    const auto found =
        std::find_if(plain.begin(), plain.end(), [&](const format::Stream& s) { return s.name == rule.stream; });
    if (found == plain.end()) throw std::invalid_argument("there is no stream " + rule.stream + ".");
    const CompiledRule& added = (rules_[found->index].*where).emplace_back(rule, *found);
    rules_[found->index].drop_all |= added.action() == Action::drop;
    for (const auto& h : added.hide())
        if (h.how == Hiding::sha256) make_strings(streams_[found->index].columns[h.column].type);
}

bool Policy::decide(const StreamRules& of, std::span<const format::Value> values, Hidden& hidden) {
    for (const CompiledRule& rule : of.rules) {
        if (!rule.applies(values)) continue;
        if (log::drops(rule.action())) return false;
        for (const auto& h : rule.hide()) hidden.by_rule(h.column, h.how);
        if (rule.action() == Action::keep) break;
    }
    for (const CompiledRule& rule : of.preset) {
        if (!rule.applies(values)) continue;
        if (log::drops(rule.action())) return false;
        for (const auto& h : rule.hide()) hidden.at_least(h.column, h.how);
    }
    return true;
}

bool Policy::may_drop_mails() const {
    static const std::size_t mails = format::stream_of(Info()).index;
    return rules_[mails].drop_all;
}

/// By the first rule that decides, as for the record itself.
template <class Record>
bool Policy::drops_all(const Record& record) const {
    const StreamRules& of = rules_[format::stream_of(record).index];
    if (!of.drop_all) return false;
    thread_local std::vector<format::Value> values;
    format::read_values(record, values);
    for (const auto* rules : {&of.rules, &of.preset}) {
        const auto decides = std::find_if(rules->begin(), rules->end(), [](const CompiledRule& rule) {
            return rule.action() != Action::go_on && rule.applies(values);
        });
        if (decides == rules->end() || decides->action() == Action::keep) continue;
        if (decides->action() == Action::drop_record) return false;
        of.dropped.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    return false;
}

bool Policy::apply(const format::Stream& stream, std::vector<format::Value>& values, Hidden& hidden) const {
    const StreamRules& of = rules_[stream.index];
    hidden.begin(values.size());
    if (decide(of, values, hidden)) {
        hidden.apply(stream, values, hash_);
        return true;
    }
    of.dropped.fetch_add(1, std::memory_order_relaxed);
    return false;
}

std::vector<std::uint64_t> Policy::dropped() const {
    std::vector<std::uint64_t> counts;
    for (const StreamRules& of : rules_) counts.push_back(of.dropped.load(std::memory_order_relaxed));
    return counts;
}

std::shared_ptr<const Policy> make_policy(const Options& options) {
    if (options.policy.empty() && options.privacy == Privacy{}) return nullptr;
    return std::make_shared<const Policy>(options);
}

}  // namespace smtpscope::log
