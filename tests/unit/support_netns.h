// SPDX-License-Identifier: BSD-3-Clause
// A network namespace of a test's own.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace smtpscope::test {

/// The calling thread, and what it starts, is in it until this object ends; then the thread is in the previous one
/// again.
class NetworkNamespace {
  public:
    /// Why there can be none here; empty if there can.
    static std::string lacking() {
        if (geteuid() != 0) return "a network namespace takes root";
        if (std::system("ip link >/dev/null 2>&1") != 0) return "there is no ip";
        const int before = current();
        const bool possible = unshare(CLONE_NEWNET) == 0;
        const std::string why = possible ? "" : std::string("no network namespace: ") + std::strerror(errno);
        if (possible) enter(before);
        close(before);
        return why;
    }

    NetworkNamespace() : outer_(current()) {
        if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error(std::string("unshare: ") + std::strerror(errno));
    }
    ~NetworkNamespace() {
        enter(outer_);
        close(outer_);
    }
    NetworkNamespace(const NetworkNamespace&) = delete;
    NetworkNamespace& operator=(const NetworkNamespace&) = delete;

    /// Commands of ip(8), one a line; throws where one fails.
    void ip(const std::string& commands) const { run("ip -batch -", commands); }
    /// The same in the namespace before.
    void ip_outside(const std::string& commands) const {
        run("nsenter --net=/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(outer_) + " ip -batch -",
            commands);
    }

  private:
    static int current() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }
    static void enter(int ns) {
        if (setns(ns, CLONE_NEWNET) != 0) std::abort();  // what comes next would be done to the wrong network
    }
    static void run(const std::string& program, const std::string& commands) {
        if (std::system(("printf '%s\\n' '" + commands + "' | " + program).c_str()) != 0)
            throw std::runtime_error("failed: " + commands);
    }

    int outer_;
};

}  // namespace smtpscope::test
