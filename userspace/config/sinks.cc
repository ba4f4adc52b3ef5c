// SPDX-License-Identifier: BSD-3-Clause
#include "config/sinks.h"

#include <algorithm>

#include "config/places.h"
#include "format/schema.h"

namespace smtpscope::config {
namespace {

using log::SinkOptions;
using log::SinkType;

constexpr Name<SinkType> type_names[] = {
    {"journald", SinkType::journald}, {"file", SinkType::file}, {"stdout", SinkType::stdout_}};

struct Stream {
    static void parse(const YAML::Node& node, std::string& into) {
        const auto& names = format::stream_names();
        into = node.Scalar();
        if (std::find(names.begin(), names.end(), into) == names.end()) not_one_of(node, names);
    }
    static void dump(YAML::Emitter& out, const std::string& value) { out << value; }
};

constexpr Key<SinkOptions> keys[] = {
    key<Enum<type_names>, &SinkOptions::type>("type"),
    key<Enum<log::format_names>, &SinkOptions::format>("format"),
    key<Path, &SinkOptions::directory>("directory"),
    key<List<Stream, Empty::refused>, &SinkOptions::streams>("streams"),
    key<Size<>, &SinkOptions::rotate, &log::Rotation::size>("rotate.size"),
    key<Time, &SinkOptions::rotate, &log::Rotation::age>("rotate.age"),
    key<Number<0, 100'000>, &SinkOptions::rotate, &log::Rotation::keep>("rotate.keep"),
    key<Bool, &SinkOptions::rotate, &log::Rotation::compress>("rotate.compress"),
};
constexpr Table<SinkOptions> table{keys};

/// How the keys of one sink have to agree.
void check(const YAML::Node& node, const SinkOptions& sink) {
    if (!node["type"]) throw BadValue(node, "a sink needs a type: journald, file or stdout.");
    const auto only_for = [&](const char* name, const char* types, bool fits) {
        if (node[name] && !fits)
            throw BadValue(node[name], std::string(name) + " is a key of " + types + " sinks only.");
    };
    only_for("directory", "file", sink.type == SinkType::file);
    only_for("rotate", "file", sink.type == SinkType::file);
    only_for("format", "file and stdout", sink.type != SinkType::journald);
    if (sink.type == SinkType::file && sink.directory.empty())
        throw BadValue(node, "a file sink needs a directory, such as directory: /var/log/smtpscope.");
    if (sink.type == SinkType::stdout_ && sink.format == log::Format::tsv && sink.streams.size() > 1)
        throw BadValue(node["streams"], "stdout in TSV has room for one stream, for the header names its columns.");
}

/// Two writers of one file, or of the same stream to one journal, would spoil each other's output.
bool collide(const SinkOptions& a, const SinkOptions& b) {
    if (a.type != b.type || (a.type == SinkType::file && resolved(a.directory) != resolved(b.directory))) return false;
    const auto& streams = format::stream_names();
    return std::any_of(streams.begin(), streams.end(), [&](auto s) { return log::takes(a, s) && log::takes(b, s); });
}

/// As the file would have it, to find the keys that differ from their defaults.
std::string dumped(const Key<SinkOptions>& k, const SinkOptions& sink) {
    YAML::Emitter out;
    k.dump(out, sink);
    return out.c_str();
}

}  // namespace

void Sinks::parse(const YAML::Node& node, std::vector<SinkOptions>& into) {
    expect_list(node);
    std::vector<SinkOptions> sinks;
    for (const YAML::Node& item : node) {
        SinkOptions sink;
        if (!item.IsMap()) throw BadValue(item, "a sink is a section, such as { type: journald }.");
        table.set_all("", item, sink);
        check(item, sink);
        if (std::any_of(sinks.begin(), sinks.end(), [&](const auto& other) { return collide(sink, other); }))
            throw BadValue(item, "this sink writes the same stream to the same place as one before it.");
        sinks.push_back(std::move(sink));
    }
    into = std::move(sinks);
}

void Sinks::dump(YAML::Emitter& out, const std::vector<SinkOptions>& sinks) {
    if (sinks.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const SinkOptions& sink : sinks) {
        const SinkOptions plain;
        MapWriter map(out);
        for (const auto& k : table.keys()) {
            if (k.path != "type" && dumped(k, sink) == dumped(k, plain)) continue;
            map.key(k.path);
            k.dump(out, sink);
        }
        map.close();
    }
    out << YAML::EndSeq;
}

}  // namespace smtpscope::config
