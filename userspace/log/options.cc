// SPDX-License-Identifier: BSD-3-Clause
#include "log/options.h"

#include <algorithm>

namespace smtpscope::log {

bool takes(const SinkOptions& sink, std::string_view stream) {
    if (sink.streams.empty()) return sink.type != SinkType::stdout_ || stream == "smtp";
    return std::find(sink.streams.begin(), sink.streams.end(), stream) != sink.streams.end();
}

}  // namespace smtpscope::log
