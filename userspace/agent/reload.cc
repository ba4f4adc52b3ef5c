// SPDX-License-Identifier: BSD-3-Clause
#include "agent/reload.h"

namespace smtpscope::agent {

std::vector<std::string> needs_restart(const config::Config& running, const config::Config& wanted) {
    const struct {
        const char* key;
        bool same;
    } fixed[] = {
        {"capture.interfaces", running.capture.interfaces == wanted.capture.interfaces},
        {"capture.ports", running.capture.ports == wanted.capture.ports},
        {"capture.xdp_mode", running.capture.xdp_mode == wanted.capture.xdp_mode},
        {"capture.checksums", running.capture.checksums == wanted.capture.checksums},
        {"capture.ring_size", running.capture.ring_size == wanted.capture.ring_size},
        {"capture.shards", running.capture.shards == wanted.capture.shards},
        {"capture.verdicts", running.capture.verdicts == wanted.capture.verdicts},
        {"capture.wake_watermark", running.capture.wake_watermark == wanted.capture.wake_watermark},
        {"files.extract", running.extract == wanted.extract},
        {"control.socket", running.control_socket == wanted.control_socket},
    };
    std::vector<std::string> keys;
    for (const auto& f : fixed) {
        if (!f.same) keys.emplace_back(f.key);
    }
    return keys;
}

}  // namespace smtpscope::agent
