// SPDX-License-Identifier: BSD-3-Clause
// Who has logged in to the session (RFC 4954).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtp/protocol.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

class Login {
  public:
    /// AUTH, or an answer of it.
    void request(const smtp::Request& request);
    /// A line of a reply to one of them. True if it says that the secret is wrong.
    bool answered(const smtp::Reply& reply);
    /// Commands were lost, and another AUTH may be among them if the last one failed (RFC 4954, 4).
    void commands_lost();
    void fill(Info& rec, const ExtraFields& wanted) const;

  private:
    bool begun_ = false;
    std::string_view mechanism_;  ///< of a static string
    std::string user_;
    std::optional<bool> success_;
};

}  // namespace smtpscope::records
