// SPDX-License-Identifier: BSD-3-Clause
// How values of each type are read from YAML and written back. A codec is a type with
//   static void parse(const YAML::Node&, T&)      which throws BadValue, and
//   static void dump(YAML::Emitter&, const T&)    which writes what parse() takes.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"
#include "config/table.h"
#include "config/units.h"
#include "smtpscope/address.h"
#include "smtpscope/site.h"

namespace smtpscope::config {

/// The text of a scalar that was not quoted; throws BadValue that says `expected` for anything else.
std::string plain_scalar(const YAML::Node& node, const std::string& expected);
/// The text of a scalar, quoted or not; null is not one.
std::string text_scalar(const YAML::Node& node, const std::string& expected);
/// Throws BadValue unless the node is a list.
void expect_list(const YAML::Node& node);
/// The number in a plain scalar, between the bounds.
std::uint64_t bounded_number(const YAML::Node& node, std::uint64_t least, std::uint64_t most);
std::uint64_t bounded_size(const YAML::Node& node, std::uint64_t least, std::uint64_t most);
/// `"x" is not one of a, b, c; the nearest is b.`
[[noreturn]] void not_one_of(const YAML::Node& node, const std::vector<std::string_view>& names);

struct Bool {
    static void parse(const YAML::Node& node, bool& into);
    static void dump(YAML::Emitter& out, bool value) { out << value; }
};

template <std::uint64_t Least = 0, std::uint64_t Most = std::numeric_limits<std::int64_t>::max()>
struct Number {
    template <class T>
    static void parse(const YAML::Node& node, T& into) {
        constexpr std::uint64_t fits = std::numeric_limits<T>::max();
        into = static_cast<T>(bounded_number(node, Least, Most < fits ? Most : fits));
    }
    static void dump(YAML::Emitter& out, std::uint64_t value) { out << value; }
};

/// Bytes.
template <std::uint64_t Least = 0, std::uint64_t Most = std::numeric_limits<std::int64_t>::max()>
struct Size {
    template <class T>
    static void parse(const YAML::Node& node, T& into) {
        constexpr std::uint64_t fits = std::numeric_limits<T>::max();
        into = static_cast<T>(bounded_size(node, Least, Most < fits ? Most : fits));
    }
    static void dump(YAML::Emitter& out, std::uint64_t value) { out << format_size(value); }
};

struct Time {
    static void parse(const YAML::Node& node, Duration& into);
    static void dump(YAML::Emitter& out, Duration value) { out << format_duration(value); }
};

struct Text {
    static void parse(const YAML::Node& node, std::string& into);  ///< not empty
    static void dump(YAML::Emitter& out, const std::string& value) { out << value; }
};

/// An absolute path.
struct Path {
    static void parse(const YAML::Node& node, std::string& into);
    static void dump(YAML::Emitter& out, const std::string& value) { out << value; }
};

/// An absolute path, or null for none.
struct OptionalPath : Path {
    static void parse(const YAML::Node& node, std::string& into);
    static void dump(YAML::Emitter& out, const std::string& value);
};

/// An absolute path that fits into sockaddr_un.
struct SocketPath : Path {
    static void parse(const YAML::Node& node, std::string& into);
};

/// Names is a table as base/names.h has them.
template <const auto& Names>
struct Enum {
    template <class E>
    static void parse(const YAML::Node& node, E& into) {
        if (node.IsScalar()) {
            if (const auto value = value_in(Names, node.Scalar())) {
                into = *value;
                return;
            }
        }
        std::vector<std::string_view> names;
        for (const auto& [name, value] : Names) names.push_back(name);
        not_one_of(node, names);
    }
    template <class E>
    static void dump(YAML::Emitter& out, E value) {
        out << std::string(name_in(Names, value));
    }
};

enum class Empty { allowed, refused };

template <class Element, Empty Emptiness = Empty::allowed>
struct List {
    template <class T>
    static void parse(const YAML::Node& node, std::vector<T>& into) {
        expect_list(node);
        if (Emptiness == Empty::refused && node.size() == 0)
            throw BadValue(node, "the list is empty; it needs a value.");
        std::vector<T> values;
        for (const YAML::Node& item : node) Element::parse(item, values.emplace_back());
        into = std::move(values);
    }
    template <class T>
    static void dump(YAML::Emitter& out, const std::vector<T>& values) {
        out << YAML::Flow << YAML::BeginSeq;
        for (const T& v : values) Element::dump(out, v);
        out << YAML::EndSeq;
    }
};

/// A list of names whose order does not matter, for a set with insert() and contains().
template <class Element>
struct Set;
template <const auto& Names>
struct Set<Enum<Names>> {
    template <class S>
    static void parse(const YAML::Node& node, S& into) {
        expect_list(node);
        S values;
        for (const YAML::Node& item : node) {
            auto value = Names[0].second;
            Enum<Names>::parse(item, value);
            values.insert(value);
        }
        into = values;
    }
    template <class S>
    static void dump(YAML::Emitter& out, const S& values) {
        out << YAML::Flow << YAML::BeginSeq;
        for (const auto& [name, value] : Names)
            if (values.contains(value)) out << std::string(name);
        out << YAML::EndSeq;
    }
};

struct Network {
    static void parse(const YAML::Node& node, Subnet& into);
    static void dump(YAML::Emitter& out, const Subnet& value) { out << value.to_string(); }
};

struct Networks {
    static void parse(const YAML::Node& node, SubnetSet& into);
    static void dump(YAML::Emitter& out, const SubnetSet& value);
};

/// An interface's name or a glob.
struct Interface {
    static void parse(const YAML::Node& node, std::string& into);
    static void dump(YAML::Emitter& out, const std::string& value) { out << value; }
};

}  // namespace smtpscope::config
