// SPDX-License-Identifier: BSD-3-Clause
// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace smtpscope::test {

/// Until `done`; false if that takes longer than `limit`, the default is longer than any machine should need.
template <class Done>
bool eventually(Done done, std::chrono::seconds limit = std::chrono::minutes(1)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
        if (done()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return done();
}

}  // namespace smtpscope::test
