// SPDX-License-Identifier: BSD-3-Clause
// One AUTH dialogue (RFC 4954): which mechanism, and who logs in. Of the secret nothing is kept, and nothing is said.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::smtp {

class AuthDialogue {
  public:
    static constexpr std::size_t max_user_length = 255;  ///< bytes

    /// `arguments`: what follows AUTH, the initial response included.
    explicit AuthDialogue(std::string_view arguments);
    /// The text of a 334: what the next answer is asked for.
    void challenge(std::string_view text);
    /// A line from the client that answers it.
    void answer(std::string_view line);

    /// The registered name in capitals. Empty if it is none that is known: it may be a secret that was sent out of
    /// turn.
    std::string_view mechanism() const { return mechanism_; }
    /// Whom the client wants to be, as it says; empty as long as the mechanism has not said so.
    const std::string& user() const { return user_; }

  private:
    std::string_view mechanism_;  ///< of a static string
    std::string user_;
    bool answered_ = false;      ///< the first response was seen: later ones name nobody
    bool secret_asked_ = false;  ///< the server asked for a password
};

}  // namespace smtpscope::smtp
