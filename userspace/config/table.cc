// SPDX-License-Identifier: BSD-3-Clause
#include "config/table.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/ascii.h"

namespace smtpscope::config {
namespace {

std::string_view section_of(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

std::string_view last_of(std::string_view path) {
    return path.substr(path.rfind('.') + 1);
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); case costs nothing.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const auto same = [](char x, char y) { return to_lower(x) == to_lower(y); };
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = same(a[i - 1], b[j - 1]) ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

/// Every path with the sections that lead to it.
std::vector<std::string_view> with_sections(std::span<const std::string_view> paths) {
    std::vector<std::string_view> all;
    for (std::string_view path : paths)
        for (; !path.empty(); path = section_of(path)) all.push_back(path);
    return all;
}

}  // namespace

std::string join(const std::string& section, const std::string& name) {
    if (section.empty()) return name;
    std::string path = section;
    return path.append(".").append(name);
}

PathKind classify(std::span<const std::string_view> paths, std::string_view path) {
    const std::string inside = std::string(path) + ".";
    PathKind kind = PathKind::unknown;
    for (const std::string_view p : paths) {
        if (p == path) return PathKind::key;
        if (p.starts_with(inside)) kind = PathKind::section;
    }
    return kind;
}

std::string nearest(std::span<const std::string_view> paths, std::string_view path) {
    constexpr std::size_t elsewhere = 2;  // so that a key of the same section wins over an equally similar one
    std::string_view best;
    std::size_t least = static_cast<std::size_t>(-1);
    for (const std::string_view candidate : with_sections(paths)) {
        const std::size_t distance = edit_distance(last_of(path), last_of(candidate)) +
                                     (section_of(candidate) == section_of(path) ? 0 : elsewhere);
        if (distance >= least) continue;
        least = distance;
        best = candidate;
    }
    return std::string(best);
}

void check_section(const YAML::Node& section, const std::string& path) {
    const std::string subject = path.empty() ? "the configuration" : path;
    if (!section.IsMap())
        throw BadValue(section, subject + " is a section: it holds keys with values (\"key: value\").");
    std::set<std::string> seen;
    for (const auto& entry : section) {
        if (!entry.first.IsScalar()) throw BadValue(entry.first, subject + ": a key is a single word.");
        const std::string& name = entry.first.Scalar();
        if (!seen.insert(name).second)
            throw BadValue(entry.first, join(path, name) + " is given twice; keep one of them.");
    }
}

MapWriter::MapWriter(YAML::Emitter& out) : out_(out) {
    out_ << YAML::BeginMap;
}

void MapWriter::key(std::string_view path) {
    std::vector<std::string> sections;
    for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
        sections.emplace_back(path.substr(0, dot));
        path.remove_prefix(dot + 1);
    }
    const auto shared = static_cast<std::size_t>(
        std::mismatch(open_.begin(), open_.end(), sections.begin(), sections.end()).first - open_.begin());
    for (; open_.size() > shared; open_.pop_back()) out_ << YAML::EndMap;
    for (; open_.size() < sections.size(); open_.push_back(sections[open_.size()]))
        out_ << YAML::Key << sections[open_.size()] << YAML::Value << YAML::BeginMap;
    out_ << YAML::Key << std::string(path) << YAML::Value;
}

void MapWriter::close() {
    for (; !open_.empty(); open_.pop_back()) out_ << YAML::EndMap;
    out_ << YAML::EndMap;
}

}  // namespace smtpscope::config
