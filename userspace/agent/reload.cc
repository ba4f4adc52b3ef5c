// SPDX-License-Identifier: BSD-3-Clause
#include "agent/reload.h"

#include "format/number.h"

namespace smtpscope::agent {

namespace {

/// Of values that are shown with their key.
constexpr std::size_t longest_shown = 120;

std::string to_text(const config::Difference& d) {
    const bool fits = d.before.size() + d.after.size() <= longest_shown;
    return "  " + d.key + (fits ? ": " + d.before + " -> " + d.after : std::string(" has changed")) +
           (config::needs_restart(d.key) ? ", after a restart" : "") + '\n';
}

}  // namespace

std::string in_words(Timestamp time) {
    std::string text;
    format::append_utc(text, time);
    return text.substr(0, text.find('.')) + "Z";
}

std::string in_words(const Refusal& refusal) {
    if (refusal.why.empty()) return {};
    return "the last reload, " + in_words(refusal.at) + ", was refused: " + refusal.why;
}

std::string to_text(const config::Origin& origin, const std::vector<config::Difference>& differences) {
    const std::string loaded = origin.path.empty()
                                   ? "there is no " + std::string(config::default_path) + ": the defaults are loaded"
                                   : origin.path + ": loaded";
    if (differences.empty()) return loaded + "; nothing has changed.\n";
    std::string text = loaded + ".\n";
    for (const config::Difference& d : differences) text += to_text(d);
    return text;
}

}  // namespace smtpscope::agent
