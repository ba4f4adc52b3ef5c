// SPDX-License-Identifier: BSD-3-Clause
#include "log/patience.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace smtpscope::log {

Patience::Patience() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Patience::~Patience() {
    ::close(event_);
}

bool Patience::pause(std::chrono::milliseconds time) const {
    wait_writable(-1, time);
    return !over_;
}

bool Patience::wait_writable(int fd, std::chrono::milliseconds time) const {
    pollfd fds[] = {{event_, POLLIN, 0}, {fd, POLLOUT, 0}};  // poll(2) leaves a negative descriptor out
    return ::poll(fds, std::size(fds), static_cast<int>(time.count())) > 0 && !over_ && fds[1].revents != 0;
}

void Patience::end() {
    over_ = true;
    ::eventfd_write(event_, 1);
}

}  // namespace smtpscope::log
