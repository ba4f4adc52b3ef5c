// SPDX-License-Identifier: BSD-3-Clause
#include "agent/flows.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "agent/json.h"
#include "base/words.h"

namespace smtpscope::agent {

namespace {

FlowStage stage_of(unsigned number) {
    if (number > static_cast<unsigned>(FlowStage::closing)) throw std::runtime_error("an unknown stage");
    return static_cast<FlowStage>(number);
}

double in_seconds(Timestamp time) {
    return static_cast<double>(to_microseconds(time)) / 1e6;
}

std::string_view to_string(Verdict verdict) {
    constexpr std::string_view names[] = {"copy", "headers_only", "ignore", "headers_until_answer"};
    return names[static_cast<std::size_t>(verdict)];
}

void add_kernel(JsonWriter& json, const capture::FlowCounters& kernel) {
    json.key("kernel").begin_object();
    json.key("orig_verdict").value(to_string(kernel.orig));
    json.key("resp_verdict").value(to_string(kernel.resp));
    json.key("delivered_packets").value(kernel.delivered_packets);
    json.key("delivered_bytes").value(kernel.delivered_bytes);
    json.key("ignored_packets").value(kernel.ignored_packets);
    json.key("ignored_bytes").value(kernel.ignored_bytes);
    json.end_object();
}

void add_row(JsonWriter& json, const FlowRow& row) {
    const FlowSummary& f = row.flow;
    json.begin_object();
    json.key("ts").value(in_seconds(f.begin));
    json.key("last").value(in_seconds(f.last));
    json.key("uid").value(f.uid);
    json.key("id.orig_h").value(f.id.orig_h.to_string());
    json.key("id.orig_p").value(std::uint64_t{f.id.orig_p});
    json.key("id.resp_h").value(f.id.resp_h.to_string());
    json.key("id.resp_p").value(std::uint64_t{f.id.resp_p});
    json.key("stage").value(to_string(f.stage));
    json.key("orig_bytes").value(f.orig_bytes);
    json.key("resp_bytes").value(f.resp_bytes);
    json.key("message_bytes").value(f.message_bytes);
    if (row.kernel) add_kernel(json, *row.kernel);
    json.end_object();
}

std::istream& operator>>(std::istream& in, Address& address) {
    std::string text;
    if (!(in >> text)) return in;
    const auto parsed = Address::parse(text);
    if (parsed)
        address = *parsed;
    else
        in.setstate(std::ios::failbit);
    return in;
}

}  // namespace

void merge(std::vector<FlowSummary>& into, std::vector<FlowSummary> more, std::size_t limit) {
    std::vector<FlowSummary> all;
    all.reserve(into.size() + more.size());
    std::merge(std::move_iterator(into.begin()), std::move_iterator(into.end()), std::move_iterator(more.begin()),
               std::move_iterator(more.end()), std::back_inserter(all),
               [](const FlowSummary& a, const FlowSummary& b) { return a.last > b.last; });
    if (all.size() > limit) all.resize(limit);
    into = std::move(all);
}

std::string to_json(const FlowList& list) {
    JsonWriter json;
    json.begin_object();
    json.key("ts").value(in_seconds(list.now));
    json.key("open").value(list.open);
    json.key("flows").begin_array();
    for (const FlowRow& row : list.rows) add_row(json, row);
    json.end_array();
    json.end_object();
    return json.text() + '\n';
}

std::string to_text(const FlowList& list) {
    std::string text = "sessions: " + std::to_string(list.open);
    if (list.rows.size() < list.open) text += "; the latest " + std::to_string(list.rows.size());
    text += "\n   age    idle  stage       received       sent    ignored  uid                  client -> server\n";
    for (const FlowRow& row : list.rows) {
        const FlowSummary& f = row.flow;
        char line[160];
        std::snprintf(line, sizeof line, "%6s  %6s  %-9s  %9s  %9s  %9s  %-19s  ",
                      time_in_words(list.now - f.begin).c_str(), time_in_words(list.now - f.last).c_str(),
                      std::string(to_string(f.stage)).c_str(), size_in_words(f.orig_bytes).c_str(),
                      size_in_words(f.resp_bytes).c_str(), size_in_words(row.ignored_bytes()).c_str(),
                      f.uid.empty() ? "-" : f.uid.c_str());
        text += line;
        text += in_words(f.id) + '\n';
    }
    return text;
}

std::string to_lines(const FlowList& list) {
    std::ostringstream out;
    out << list.now.time_since_epoch().count() << ' ' << list.seen << ' ' << list.delivered << ' ' << list.ignored
        << ' ' << list.lost << ' ' << list.records << ' ' << list.open << ' ' << list.ring_used << ' ' << list.ring_size
        << ' ' << list.rows.size() << '\n';
    for (const FlowRow& row : list.rows) {
        const FlowSummary& f = row.flow;
        out << (f.uid.empty() ? "-" : f.uid) << ' ' << f.begin.time_since_epoch().count() << ' '
            << f.last.time_since_epoch().count() << ' ' << f.id.orig_h.to_string() << ' ' << f.id.orig_p << ' '
            << f.id.resp_h.to_string() << ' ' << f.id.resp_p << ' ' << static_cast<unsigned>(f.stage) << ' '
            << f.orig_bytes << ' ' << f.resp_bytes << ' ' << f.message_bytes << ' ' << row.ignored_bytes() << '\n';
    }
    return std::move(out).str();
}

FlowList from_lines(std::string_view lines) {
    std::istringstream in{std::string(lines)};
    FlowList list;
    std::int64_t now = 0;
    std::size_t count = 0;
    in >> now >> list.seen >> list.delivered >> list.ignored >> list.lost >> list.records >> list.open >>
        list.ring_used >> list.ring_size >> count;
    list.now = from_nanoseconds(now);
    for (std::size_t i = 0; in && i < count && i < max_flows_listed; ++i) {
        FlowRow row;
        FlowSummary& f = row.flow;
        std::int64_t begin = 0, last = 0;
        unsigned stage = 0;
        std::uint64_t ignored = 0;
        in >> f.uid >> begin >> last >> f.id.orig_h >> f.id.orig_p >> f.id.resp_h >> f.id.resp_p >> stage >>
            f.orig_bytes >> f.resp_bytes >> f.message_bytes >> ignored;
        if (ignored > 0) row.kernel.emplace().ignored_bytes = ignored;
        if (f.uid == "-") f.uid.clear();
        f.begin = from_nanoseconds(begin);
        f.last = from_nanoseconds(last);
        f.stage = stage_of(stage);
        list.rows.push_back(std::move(row));
    }
    if (!in) throw std::runtime_error("the agent's answer cannot be read; is it of another version?");
    return list;
}

std::string in_words(const Address& host, std::uint16_t port) {
    const std::string text = host.to_string();
    return (host.is_v4() ? text : '[' + text + ']') + ':' + std::to_string(port);
}

std::string in_words(const ConnId& id) {
    return in_words(id.orig_h, id.orig_p) + " -> " + in_words(id.resp_h, id.resp_p);
}

}  // namespace smtpscope::agent
