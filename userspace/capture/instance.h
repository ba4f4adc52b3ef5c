// SPDX-License-Identifier: BSD-3-Clause
// One smtpscope for each interface. Two would count everything twice and fight over verdicts.
#pragma once

#include <sys/types.h>

#include "base/descriptor.h"

namespace smtpscope::capture {

/// A name in the network namespace that disappears with its process, however that ends: an abstract UNIX socket. (The
/// kernel tells the names of attached programs to CAP_SYS_ADMIN only, so asking it would not do.)
class InstanceLock {
  public:
    explicit InstanceLock(unsigned ifindex);

    /// False if another smtpscope is on the interface.
    bool held() const { return holder_ < 0; }
    /// Its process id, 0 if unknown.
    pid_t holder() const { return holder_; }

  private:
    Descriptor fd_;
    pid_t holder_ = -1;
};

}  // namespace smtpscope::capture
