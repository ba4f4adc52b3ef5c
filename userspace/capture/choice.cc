// SPDX-License-Identifier: BSD-3-Clause
#include "capture/choice.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include "capture/source.h"

namespace smtpscope::capture {
namespace {

constexpr std::string_view automatic = "auto";

}  // namespace

bool names_interface(const Patterns& patterns, std::string_view name) {
    const std::string text(name);
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& p) { return fnmatch(p.c_str(), text.c_str(), 0) == 0; });
}

bool is_one_name(std::string_view pattern) {
    return pattern != automatic && pattern.find_first_of("*?[") == std::string_view::npos;
}

bool is_listed(const Patterns& patterns, std::string_view name) {
    return std::find(patterns.begin(), patterns.end(), name) != patterns.end();
}

bool is_wanted(const Patterns& patterns, const Interface& interface) {
    if (names_interface(patterns, interface.name)) return true;
    return is_listed(patterns, automatic) && interface.up && !interface.stacked && interface.layer != LinkLayer::other;
}

std::vector<Interface> wanted_among(const Patterns& patterns, const std::vector<Interface>& present) {
    std::vector<Interface> all;
    std::copy_if(present.begin(), present.end(), std::back_inserter(all),
                 [&](const Interface& i) { return is_wanted(patterns, i); });
    return all;
}

bool is_covered(const Interface& upper, const std::vector<Interface>& wanted) {
    return upper.stacked && std::any_of(wanted.begin(), wanted.end(), [&](const Interface& i) {
               return i.index != upper.index && (i.master == upper.index || i.index == upper.lower);
           });
}

unsigned bridge_of(const Interface& interface, const std::vector<Interface>& present) {
    const auto master =
        std::find_if(present.begin(), present.end(), [&](const Interface& i) { return i.index == interface.master; });
    return interface.master != 0 && master != present.end() && master->kind == "bridge" ? interface.master : 0;
}

Choice choose(const Patterns& patterns, const std::vector<Interface>& present, const std::set<unsigned>& watched) {
    const std::vector<Interface> wanted = wanted_among(patterns, present);
    Choice choice;
    std::set<unsigned> gone = watched;
    for (const Interface& i : present) {
        const bool is_watched = gone.erase(i.index) != 0;
        if (!is_watched && !is_wanted(patterns, i)) continue;
        if (!is_covered(i, wanted))
            (is_watched ? choice.go_on : choice.begin).push_back(i);
        else if (is_watched)
            choice.end.push_back(i.index);
    }
    choice.end.insert(choice.end.end(), gone.begin(), gone.end());
    return choice;
}

void expect_named(const Patterns& patterns, const std::vector<Interface>& present) {
    for (const std::string& name : patterns) {
        if (!is_one_name(name)) continue;
        if (std::any_of(present.begin(), present.end(), [&](const Interface& i) { return i.name == name; })) continue;
        std::string names;
        for (const Interface& i : present) names.append(names.empty() ? "" : ", ").append(i.name);
        throw Error("no interface " + name + "; there are " + names);
    }
}

bool is_enough(const Patterns& patterns, std::size_t attached, const std::vector<Interface>& failed) {
    const bool named_failed =
        std::any_of(failed.begin(), failed.end(), [&](const Interface& i) { return is_listed(patterns, i.name); });
    return !named_failed && (attached != 0 || failed.empty());
}

}  // namespace smtpscope::capture
