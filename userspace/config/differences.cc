// SPDX-License-Identifier: BSD-3-Clause
#include "config/differences.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "config/keys.h"

namespace smtpscope::config {
namespace {

std::string value_of(const Key<Config>& key, const Config& config) {
    YAML::Emitter out;
    out.SetSeqFormat(YAML::Flow);
    out.SetMapFormat(YAML::Flow);
    key.dump(out, config);
    std::string text = out.c_str();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

}  // namespace

std::vector<Difference> differences(const Config& before, const Config& after) {
    std::vector<Difference> all;
    for (const auto& key : table().keys()) {
        Difference d{std::string(key.path), value_of(key, before), value_of(key, after)};
        if (d.before != d.after) all.push_back(std::move(d));
    }
    return all;
}

bool needs_restart(std::string_view path) {
    const auto keys = table().keys();
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.fixed && key.path == path; });
}

Config merged(const Config& running, const Config& wanted) {
    Config result = wanted;
    for (const auto& key : table().keys())
        if (key.fixed) key.copy(running, result);
    return result;
}

}  // namespace smtpscope::config
