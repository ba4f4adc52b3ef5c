// SPDX-License-Identifier: BSD-3-Clause
// One AUTH dialogue (RFC 4954): which mechanism, and who logs in. The secret is neither kept nor reported.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::smtp {

class AuthDialogue {
  public:
    static constexpr std::size_t max_user_length = 255;  ///< bytes

    /// `arguments`: what follows AUTH, the initial response included.
    explicit AuthDialogue(std::string_view arguments);
    /// The text of a 334: what the server asks for next.
    void challenge(std::string_view text);
    /// A line from the client that answers it.
    void answer(std::string_view line);

    /// The registered name in capitals. Empty if it is unknown: it may be a secret that was sent out of turn.
    std::string_view mechanism() const { return mechanism_; }
    /// The user that the client says it is; empty until the mechanism has named one.
    const std::string& user() const { return user_; }

  private:
    std::string_view mechanism_;  ///< refers to a static string
    std::string user_;
    bool answered_ = false;      ///< the first response was seen: later ones do not name a user
    bool secret_asked_ = false;  ///< the server asked for a password
};

}  // namespace smtpscope::smtp
