// SPDX-License-Identifier: BSD-3-Clause
// The envelope: what the server has accepted of the transaction.
#pragma once

#include <cstdint>

#include "smtp/protocol.h"

namespace smtpscope::smtp {

class Envelope {
  public:
    /// A MAIL was accepted, or may have been.
    void begin() {
        *this = {};
        open_ = true;
    }
    /// The transaction is over or was aborted.
    void close() { open_ = false; }
    void answered(Verb verb, std::uint16_t code);

    std::uint32_t accepted() const { return accepted_; }
    /// True if too few `replies` came to lost commands for a new transaction to have begun before `next`: that takes
    /// MAIL, an RSET before it unless all recipients of the old one were refused, and RCPT before DATA.
    bool stands_before(Verb next, std::uint32_t replies) const;

  private:
    bool open_ = false;
    bool refused_ = false;        ///< a recipient was
    std::uint32_t accepted_ = 0;  ///< recipients
};

}  // namespace smtpscope::smtp
