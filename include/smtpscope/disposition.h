// SPDX-License-Identifier: BSD-3-Clause
// Whether a connection is followed.
#pragma once

#include <cstdint>

namespace smtpscope {

/// What to do with a connection after some of its bytes were delivered, as decided by their consumer. Unless it is
/// `follow`, nothing more is to be learned from the connection, and only its end matters.
enum class Disposition : std::uint8_t {
    follow,
    tls,                   ///< the rest is encrypted; its handshake was read, or not captured
    invalid_transactions,  ///< more than AnalyzerOptions::max_invalid_mail_transactions
};

}  // namespace smtpscope
