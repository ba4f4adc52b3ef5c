// SPDX-License-Identifier: BSD-3-Clause
// The names of users. The system may have to ask a directory on the network for one, and packets do not wait: a thread
// of its own does, and the caller asks again later.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "files/identity.h"

namespace smtpscope::agent {

class UserNames {
  public:
    using Lookup = std::function<std::string(std::uint32_t uid)>;

    explicit UserNames(Lookup lookup = files::user_name);
    /// Does not wait for a look-up that is under way.
    ~UserNames();
    UserNames(const UserNames&) = delete;
    UserNames& operator=(const UserNames&) = delete;

    /// Holds until the user is looked up for the first time. The first name of a user stays.
    void know(const files::User& user);
    /// Empty if there is none; nullopt as long as it is unknown. Never waits. A name is looked up again after
    /// five minutes. Remembers 4,096 users. Any thread may call it.
    std::optional<std::string> find(std::uint32_t uid);

  private:
    struct State;
    static void serve(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;  ///< shared with the thread, which may outlive this object
};

}  // namespace smtpscope::agent
