// SPDX-License-Identifier: BSD-3-Clause
#include "agent/status.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "agent/counters.h"
#include "agent/json.h"
#include "base/words.h"
#include "format/schema.h"

namespace smtpscope::agent {

std::uint64_t value_of(const std::vector<capture::Counter>& counters, std::string_view name) {
    const auto it = std::find_if(counters.begin(), counters.end(), [&](const auto& c) { return c.name == name; });
    return it == counters.end() ? 0 : it->value;
}

std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    statm >> total >> resident;
    return statm ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

namespace {

template <class Counts>
void add_counts(JsonWriter& json, const Counts& counts) {
    json.begin_object();
    for (const auto& c : counts) json.key(c.name).value(c.value);
    json.end_object();
}

void add_attachments(JsonWriter& json, const std::vector<capture::Attachment>& attachments) {
    json.begin_array();
    for (const auto& a : attachments) {
        json.begin_object();
        json.key("interface").value(a.interface);
        json.key("ifindex").value(std::uint64_t{a.ifindex});
        json.key("kind").value(to_string(a.kind));
        json.key("means").value(to_string(a.means));
        json.key("reason").value(a.reason);
        json.key("remedy").value(a.remedy);
        json.end_object();
    }
    json.end_array();
}

void add_interfaces(JsonWriter& json, const std::vector<capture::InterfaceCounters>& interfaces) {
    json.begin_array();
    for (const auto& i : interfaces) {
        json.begin_object();
        json.key("interface").value(i.interface);
        json.key("ifindex").value(std::uint64_t{i.ifindex});
        add_counts(json.key("kernel"), i.counters);
        json.end_object();
    }
    json.end_array();
}

void add_ring(JsonWriter& json, const capture::RingLevel& ring) {
    json.begin_object();
    json.key("used").value(ring.used);
    json.key("size").value(ring.size);
    json.end_object();
}

capture::RingLevel all_rings(const std::vector<capture::RingLevel>& rings) {
    capture::RingLevel all;
    for (const capture::RingLevel& ring : rings) {
        all.used += ring.used;
        all.size += ring.size;
    }
    return all;
}

void add_sinks(JsonWriter& json, const std::vector<log::SinkStatus>& sinks) {
    json.begin_array();
    for (const auto& s : sinks) {
        json.begin_object();
        json.key("name").value(s.name);
        json.key("written").value(s.written);
        json.key("dropped").value(s.dropped);
        json.key("last_error").value(s.last_error);
        json.key("last_loss").value(s.last_loss);
        json.key("former").value(std::uint64_t{s.former});
        json.key("dropped_queue_full").value(s.dropped_queue_full);
        json.key("dropped_at_end").value(s.dropped_at_end);
        json.key("waiting").value(s.waiting);
        json.key("waiting_bytes").value(s.waiting_bytes);
        json.end_object();
    }
    json.end_array();
}

std::string in_days(std::chrono::duration<double> time) {
    const auto seconds = static_cast<std::uint64_t>(time.count());
    char text[64];
    std::snprintf(text, sizeof text, "%lu d %02lu:%02lu:%02lu", seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60,
                  seconds % 60);
    return text;
}

double in_seconds(Timestamp time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string configuration_in_words(const Status& s) {
    std::string text = "configuration: ";
    if (s.config.path.empty())
        text += "the defaults: there was no " + std::string(config::default_path);
    else
        text += s.config.path + " of " + in_words(s.config.modified);
    text += ", loaded " + in_words(s.config_loaded) + ", reloaded " + std::to_string(s.reloads) + " times\n";
    if (!s.needs_restart.empty()) text += "  after a restart: " + joined(s.needs_restart) + '\n';
    if (!s.refusal.why.empty()) text += "  " + in_words(s.refusal) + '\n';
    return text;
}

/// A heading, and under it the counts that are not zero.
template <class Counts>
void add_section(std::string& text, const char* heading, const Counts& counts) {
    text += heading;
    text += '\n';
    for (const auto& c : counts) {
        if (c.value == 0) continue;
        char line[96];
        std::snprintf(line, sizeof line, "  %-24s %20lu\n", std::string(c.name).c_str(), c.value);
        text += line;
    }
}

}  // namespace

std::string to_json(const Status& s) {
    JsonWriter json;
    json.begin_object();
    json.key("version").value(s.version);
    json.key("pid").value(s.pid);
    json.key("uptime").value(s.uptime.count());
    json.key("config").value(s.config.path);
    if (!s.config.path.empty()) json.key("config_modified").value(in_seconds(s.config.modified));
    json.key("config_loaded").value(in_seconds(s.config_loaded));
    json.key("reloads").value(s.reloads);
    json.key("reload_error").value(s.refusal.why);
    if (!s.refusal.why.empty()) json.key("reload_refused").value(in_seconds(s.refusal.at));
    json.key("needs_restart").begin_array();
    for (const std::string& key : s.needs_restart) json.value(key);
    json.end_array();
    add_attachments(json.key("attachments"), s.attachments);
    add_counts(json.key("kernel"), s.kernel);
    add_interfaces(json.key("interfaces"), s.interfaces);
    add_ring(json.key("ring"), all_rings(s.rings));
    json.key("rings").begin_array();
    for (const capture::RingLevel& ring : s.rings) add_ring(json, ring);
    json.end_array();
    add_counts(json.key("engine"), named(s.engine));
    json.key("passed_dropped").value(s.passed_dropped);
    add_counts(json.key("cgroups"), named(s.cgroups));
    add_counts(json.key("queue"), named(s.queue));
    add_counts(json.key("extraction"), named(s.extraction));
    add_counts(json.key("policy"), named_policy(s.dropped_by_policy));
    add_sinks(json.key("sinks"), s.sinks);
    json.key("memory").begin_object();
    json.key("resident").value(s.resident_bytes);
    json.key("out_of_order").value(s.engine.memory_held);
    json.key("fragments").value(s.engine.fragment_memory);
    json.key("waiting").value(s.engine.waiting_memory);
    json.end_object();
    json.end_object();
    return json.text() + '\n';
}

std::string to_text(const Status& s) {
    std::string text = "smtpscope " + s.version + ", process " + std::to_string(s.pid) + ", up " + in_days(s.uptime) +
                       ", " + size_in_words(s.resident_bytes) + " resident\n";
    text += configuration_in_words(s);
    text += "attached\n";
    for (const auto& a : s.attachments) text += "  " + describe(a) + '\n';
    add_section(text, "kernel", s.kernel);
    for (const auto& i : s.interfaces) {
        const auto count = [&](std::string_view name) { return std::to_string(value_of(i.counters, name)); };
        if (i.interface.empty() && count("seen") == "0") continue;
        text += "  " + (i.interface.empty() ? std::string("others") : i.interface) + ": " + count("seen") + " seen, " +
                count("delivered") + " delivered, " + count("ignored") + " ignored, " + count("lost") + " lost\n";
    }
    for (const capture::RingLevel& ring : s.rings)
        text += "ring: " + size_in_words(ring.used) + " of " + size_in_words(ring.size) + " in use\n";
    add_section(text, "analysis", named(s.engine));
    if (s.passed_dropped != 0)
        text += "  packets dropped on their way to another shard: " + std::to_string(s.passed_dropped) + '\n';
    add_section(text, "cgroups", named(s.cgroups));
    text += "waiting for sinks: " + std::to_string(s.queue.pending) + " records, " +
            size_in_words(s.queue.pending_bytes) + "; dropped:";
    for (std::size_t i = 0; i < s.queue.dropped.size(); ++i) {
        text += (i == 0 ? " " : ", ") + std::to_string(s.queue.dropped[i]) + " ";
        text += format::stream_names()[i];
    }
    text += '\n';
    add_section(text, "policy", named_policy(s.dropped_by_policy));
    add_section(text, "extraction", named(s.extraction));
    if (!s.extraction.last_error.empty()) text += "  " + s.extraction.last_error + '\n';
    text += "sinks\n";
    for (const auto& sink : s.sinks) {
        text += "  " + sink.name + ": " + std::to_string(sink.written) + " written, " + std::to_string(sink.dropped) +
                " dropped";
        if (sink.dropped_queue_full != 0)
            text += ", of these " + std::to_string(sink.dropped_queue_full) + " by a full queue";
        if (sink.dropped_at_end != 0) text += ", " + std::to_string(sink.dropped_at_end) + " at its end";
        if (sink.waiting != 0)
            text += ", " + std::to_string(sink.waiting) + " waiting, " + size_in_words(sink.waiting_bytes);
        if (!sink.last_error.empty()) text += " (" + sink.last_error + ")";
        if (sink.former) text += ", before a reload";
        text += '\n';
    }
    return text;
}

}  // namespace smtpscope::agent
