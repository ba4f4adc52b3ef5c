// SPDX-License-Identifier: BSD-3-Clause
// A configuration as a table of keys: one line for each key says where it is in the file, how its value is read and
// written, and which member it sets. Everything else (sections, unknown keys, duplicates, errors) follows from the
// table.
#pragma once

#include <yaml-cpp/yaml.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace smtpscope::config {

/// Something wrong in the file. what() is the message without the place, which is `mark`.
class BadValue : public std::runtime_error {
  public:
    BadValue(const YAML::Mark& where, const std::string& message) : runtime_error(message), mark(where) {}
    BadValue(const YAML::Node& where, const std::string& message) : BadValue(where.Mark(), message) {}
    YAML::Mark mark;
};

template <class Target>
struct Key {
    std::string_view path;  ///< from the table's root, `capture.ports`
    void (*parse)(const YAML::Node& value, Target& into);
    void (*dump)(YAML::Emitter& out, const Target& from);
    void (*copy)(const Target& from, Target& into);
    bool fixed = false;  ///< while an agent runs: only the next start can give it another value
};

template <class Target>
constexpr Key<Target> fixed(Key<Target> key) {
    key.fixed = true;
    return key;
}

template <class Target, class Member>
Target target_of(Member Target::*);

template <auto First, auto... Rest>
constexpr auto& member(auto& target) {
    if constexpr (sizeof...(Rest) == 0)
        return target.*First;
    else
        return member<Rest...>(target.*First);
}

/// The key at `path` whose value Codec turns into the member that the pointers First, Rest... lead to.
template <class Codec, auto First, auto... Rest>
constexpr auto key(std::string_view path) {
    using Target = decltype(target_of(First));
    return Key<Target>{
        path,
        [](const YAML::Node& value, Target& into) { Codec::parse(value, member<First, Rest...>(into)); },
        [](YAML::Emitter& out, const Target& from) { Codec::dump(out, member<First, Rest...>(from)); },
        [](const Target& from, Target& into) { member<First, Rest...>(into) = member<First, Rest...>(from); },
    };
}

/// `section.name`, or the name alone at the root.
std::string join(const std::string& section, const std::string& name);

/// Whether a path of a table is a key, a section or neither.
enum class PathKind { key, section, unknown };
PathKind classify(std::span<const std::string_view> paths, std::string_view path);

/// The path in the table that is most like `path`: by edit distance of the last component, within its section first.
std::string nearest(std::span<const std::string_view> paths, std::string_view path);

/// Throws BadValue if a section is not a map, or has keys that are not plain words or that occur twice. `path` is its
/// own, empty for the root.
void check_section(const YAML::Node& section, const std::string& path);

template <class Target>
class Table {
  public:
    constexpr explicit Table(std::span<const Key<Target>> keys) : keys_(keys) {}

    /// Sets `path`, a key or a section, to `value`; `where` is the place of the path. Throws BadValue.
    void set(const std::string& path, const YAML::Mark& where, const YAML::Node& value, Target& into) const {
        switch (classify(paths(), path)) {
            case PathKind::unknown:
                throw BadValue(where, "there is no key " + path + "; the nearest is " + nearest(paths(), path) + ".");
            case PathKind::section:
                // `privacy: plain` is short for `privacy: { preset: plain }`.
                if (const std::string preset = join(path, "preset");
                    value.IsScalar() && classify(paths(), preset) == PathKind::key)
                    return set(preset, where, value, into);
                return set_all(path, value, into);
            case PathKind::key:
                try {
                    return find(path).parse(value, into);
                } catch (const BadValue& e) {
                    throw BadValue(e.mark, path + ": " + e.what());
                }
        }
    }

    /// Sets what the map `section` holds; `path` is its own, empty for the root. A section without content is no error.
    void set_all(const std::string& path, const YAML::Node& section, Target& into) const {
        if (section.IsNull()) return;
        check_section(section, path);
        for (const auto& entry : section) {
            set(join(path, entry.first.Scalar()), entry.first.Mark(), entry.second, into);
        }
    }

    std::span<const Key<Target>> keys() const { return keys_; }

  private:
    const Key<Target>& find(std::string_view path) const {
        for (const auto& k : keys_)
            if (k.path == path) return k;
        throw std::logic_error("no such key");
    }

    std::vector<std::string_view> paths() const {
        std::vector<std::string_view> all;
        for (const auto& k : keys_) all.push_back(k.path);
        return all;
    }

    std::span<const Key<Target>> keys_;
};

/// Writes nested maps from keys that come in the order of the table; sections open and close as paths demand.
class MapWriter {
  public:
    explicit MapWriter(YAML::Emitter& out);
    /// Opens the sections of `path` and writes the last component; the caller writes the value.
    void key(std::string_view path);
    void close();

  private:
    YAML::Emitter& out_;
    std::vector<std::string> open_;
};

}  // namespace smtpscope::config
