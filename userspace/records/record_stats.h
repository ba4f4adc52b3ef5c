// SPDX-License-Identifier: BSD-3-Clause
// What happened to the records of one engine. EngineStats has the same names, and explains them.
#pragma once

#include <cstdint>

namespace smtpscope::records {

struct RecordStats {
    std::uint64_t smtp_records = 0;
    std::uint64_t vetoed_records = 0;
    std::uint64_t weirds = 0;
    std::uint64_t files = 0;
    std::uint64_t notices = 0;
    std::uint64_t software = 0;
    std::uint64_t users_late = 0;
    std::uint64_t units_late = 0;
    std::uint64_t dropped_with_mail = 0;
    std::uint64_t dropped_without_mail = 0;
    std::uint64_t dropped_waiting = 0;
    std::uint64_t waiting_memory = 0;
};

}  // namespace smtpscope::records
