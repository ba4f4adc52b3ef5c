// SPDX-License-Identifier: BSD-3-Clause
// The codec of `log.policy`: a list of rules, each a section with `when`, `hide`, `action` and `stream`. A rule that
// comes out of it can be compiled: its fields are of its stream, and its tests suit them.
#pragma once

#include "config/codecs.h"
#include "log/rules.h"

namespace smtpscope::config {

struct Rules {
    static void parse(const YAML::Node& node, std::vector<log::Rule>& into);
    static void dump(YAML::Emitter& out, const std::vector<log::Rule>& rules);
};

}  // namespace smtpscope::config
