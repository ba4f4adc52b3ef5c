// SPDX-License-Identifier: BSD-3-Clause
// The way into journald: one datagram an entry, as systemd's "Native Journal Protocol" describes it.
// sd_journal_sendv(3) waits forever when journald takes nothing, and reports success when there is no journald.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::log {

/// Not thread-safe.
class JournalSocket {
  public:
    explicit JournalSocket(std::string path);
    ~JournalSocket();
    JournalSocket(const JournalSocket&) = delete;
    JournalSocket& operator=(const JournalSocket&) = delete;

    /// 0 or an errno, without waiting. What is too large for a datagram goes in a sealed memory file.
    int send(std::string_view entry);
    /// To be polled for room; -1 if there is no connection.
    int fd() const { return fd_; }
    /// The next send() connects again.
    void disconnect();

    const std::string& path() const { return path_; }

  private:
    int connect();
    int send_once(std::string_view entry);

    const std::string path_;
    int fd_ = -1;
};

/// Whether the error means that journald is away or busy, so that the entry may go through later.
bool is_passing(int error);

/// Whether it means that journald is away, not just slow.
bool is_away(int error);

}  // namespace smtpscope::log
