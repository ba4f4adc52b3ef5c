// SPDX-License-Identifier: BSD-3-Clause
#include "agent/event.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

namespace smtpscope::agent {

Descriptor make_event() {
    Descriptor fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) throw std::system_error(errno, std::generic_category(), "eventfd");
    return fd;
}

void signal_event(const Descriptor& event) {
    eventfd_write(event.get(), 1);
}

}  // namespace smtpscope::agent
