// SPDX-License-Identifier: BSD-3-Clause
#include "config/places.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "format/schema.h"

namespace smtpscope::config {
namespace {

namespace fs = std::filesystem;
using Access = Confinement::Access;

bool is_within(const std::string& path, const std::string& folder) {
    return folder == "/" || path == folder || path.starts_with(folder + "/");
}

/// Of a path without links; links in the paths of the rules are resolved, as systemd does.
const Confinement::Rule* rule_for(const std::string& path, const Confinement& unit) {
    const Confinement::Rule* found = nullptr;
    std::size_t longest = 0;
    for (const Confinement::Rule& rule : unit.rules) {
        const std::string folder = resolved(rule.path);
        if (!is_within(path, folder)) continue;
        if (rule.access == Access::hidden) return &rule;
        if (folder.size() >= longest) {
            found = &rule;
            longest = folder.size();
        }
    }
    return found;
}

bool is_made(const std::string& path, const Confinement& unit) {
    const auto is = [&](const std::string& made) { return path == made || resolved(path) == resolved(made); };
    return std::any_of(unit.made.begin(), unit.made.end(), is);
}

/// How to allow writing there. A path that is not there would keep the unit from starting.
std::string remedy_for_read_only(const Place& place, const Runner& runner) {
    const std::string service = fs::path(runner.unit.unit).stem().string();
    std::error_code error;
    const std::string first = place.use == files::Use::logs || fs::exists(place.path, error)
                                  ? ""
                                  : "`" + files::command_to_make(place.path, place.use, runner.user) + "`, then ";
    return first + "`systemctl edit " + service + "`, there the lines [Service] and ReadWritePaths=" + place.path +
           ", then `systemctl restart " + service + "`";
}

}  // namespace

std::string resolved(const std::string& path) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(path, error);
    std::string text = (error ? fs::path(path).lexically_normal() : real).string();
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

std::vector<Place> places(const Config& config) {
    using files::Use;
    std::vector<Place> all;
    if (config.extract.enabled)
        all.push_back({"files.extract.directory", config.extract.directory, Use::extraction, true});
    for (const log::SinkOptions& sink : config.log.sinks) {
        if (sink.type != log::SinkType::file) continue;
        all.push_back({"log.sinks", sink.directory, Use::logs, true});
        for (const std::string_view stream : format::stream_names())
            if (log::takes(sink, stream))
                all.push_back({"log.sinks", sink.directory + "/" + std::string(stream) + ".log", Use::log, true});
    }
    if (const std::string& key = config.log.privacy.key_file; !key.empty())
        all.push_back({"log.privacy.key_file", key, Use::key, true});
    // The agent works without it, too; only nobody can ask it.
    all.push_back({"control.socket", fs::path(config.control_socket).parent_path().string(), Use::socket, false});
    return all;
}

std::vector<files::Obstacle> obstacles(const Place& place, const Runner& runner) {
    using files::Use;
    const Confinement& unit = runner.unit;
    const bool may_be_missing = place.use == Use::extraction || place.use == Use::socket;
    std::error_code error;
    if (is_made(place.path, unit)) return {};
    if (may_be_missing && !fs::exists(place.path, error) && is_made(fs::path(place.path).parent_path().string(), unit))
        return {};

    const Confinement::Rule* rule = rule_for(resolved(place.path), unit);
    const bool told = place.use == Use::log;  // what the unit does to a file is reported for its directory
    if (rule && rule->access == Access::hidden) {
        if (told) return {};
        return {{unit.unit + " hides what is there (" + rule->setting + ")", "name another place"}};
    }
    std::vector<files::Obstacle> found;
    if (auto one = files::obstacle(place.path, place.use, runner.user)) found.push_back(std::move(*one));
    if (rule && rule->access == Access::read_only && !told && place.use != Use::key)
        found.push_back(
            {unit.unit + " makes it read-only (" + rule->setting + ")", remedy_for_read_only(place, runner)});
    return found;
}

std::string in_words(const Place& place, const files::Obstacle& obstacle) {
    return place.key + ": " + place.path + ": " + obstacle.why + "; " + obstacle.remedy + ".";
}

void expect_usable(const Config& config) {
    const Runner self;
    std::string sentences;
    for (const Place& place : places(config)) {
        if (!place.vital) continue;
        for (const files::Obstacle& obstacle : obstacles(place, self))
            sentences += (sentences.empty() ? "" : " ") + in_words(place, obstacle);
    }
    if (!sentences.empty()) throw std::runtime_error(sentences);
}

}  // namespace smtpscope::config
