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
    /// The session begins again, or the reply is doubtful.
    void forget() { keywords_.reset(); }
    /// A line of the reply; the first one names the server. `known` holds what servers offer.
    void line(const smtp::Reply& reply, Shared<std::string>& known);
    /// The offer is known, and its reply is complete.
    bool is_known() const { return keywords_ && !within_; }
    /// The keywords of a known offer.
    std::vector<std::string> keywords() const;

  private:
    std::shared_ptr<const std::string> keywords_;  ///< with blanks between them
    bool within_ = false;                          ///< inside the reply, after its first line
};

}  // namespace smtpscope::records
