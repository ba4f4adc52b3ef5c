// SPDX-License-Identifier: BSD-3-Clause
// The codec of `log.sinks`: a list of maps, each with a table of keys of its own.
#pragma once

#include "config/codecs.h"
#include "log/options.h"

namespace smtpscope::config {

struct Sinks {
    static void parse(const YAML::Node& node, std::vector<log::SinkOptions>& into);
    static void dump(YAML::Emitter& out, const std::vector<log::SinkOptions>& sinks);
};

}  // namespace smtpscope::config
