// SPDX-License-Identifier: BSD-3-Clause
// What the server offers in its reply to EHLO.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "records/shared.h"
#include "smtp/protocol.h"

namespace smtpscope::records {

class Offer {
  public:
    /// EHLO or its like was sent.
    void begin() { *this = {}; }
    /// The session begins anew, or the reply is in doubt.
    void forget() { keywords_.reset(); }
    /// A line of the reply; the first one names the server. `known` holds what servers offer.
    void line(const smtp::Reply& reply, Shared<std::string>& known);
    /// There is one, and the reply is over.
    bool is_known() const { return keywords_ && !within_; }
    /// Of a known one.
    std::vector<std::string> keywords() const;

  private:
    std::shared_ptr<const std::string> keywords_;  ///< with blanks between them
    bool within_ = false;                          ///< the reply, behind its first line
};

}  // namespace smtpscope::records
