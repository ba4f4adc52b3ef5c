// SPDX-License-Identifier: BSD-3-Clause
// Whose software is recorded, and how often; the options of the reference's software framework.
#pragma once

#include <cstddef>

#include "smtpscope/site.h"
#include "smtpscope/time.h"

namespace smtpscope {

struct SoftwareOptions {
    Host asset_tracking = Host::local;                  ///< hosts whose software is recorded
    Duration repeat_interval = std::chrono::hours(24);  ///< software still in use is reported again; 0 = each time
    std::size_t max_tracked = 65536;  ///< pairs of host and software remembered as reported; 16 bytes each, rounded up
                                      ///< to a power of two from 8 to 16,777,216
};

}  // namespace smtpscope
