// SPDX-License-Identifier: BSD-3-Clause
// What is worth a notice, with its defaults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "smtpscope/address.h"
#include "smtpscope/time.h"

namespace smtpscope {

struct NoticeOptions {
    /// More texts in an error reply that indicate a blocklist, in upper or lower case; shorter ones than four bytes are
    /// not used.
    std::vector<std::string> blocklist_texts;
    /// Mail that comes from these networks is reported. The reference's countries are left out: they need a GeoIP
    /// database.
    SubnetSet suspicious_origination_networks;

    std::uint32_t rejected_recipients = 20;                 ///< of one host within burst_window; 0 = off
    std::uint32_t failed_auths = 10;                        ///< the same
    Duration burst_window = std::chrono::minutes(5);        ///< counted in eighths; 0 = bursts are off
    Duration suppression_interval = std::chrono::hours(1);  ///< between equal notices about one host; 0 = report all

    // Both are rounded up to a power of two, from 8 to 16,777,216; their memory is allocated as needed.
    std::size_t max_hosts = 65536;       ///< counted at once, for each kind of burst; 72 bytes each
    std::size_t max_suppressed = 16384;  ///< notices remembered as reported; 16 bytes each
};

}  // namespace smtpscope
