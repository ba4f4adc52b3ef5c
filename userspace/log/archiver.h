// SPDX-License-Identifier: BSD-3-Clause
// The old files of a directory: their names, compression and removal. The work is done in a thread of its own,
// so that no record waits for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "log/options.h"
#include "log/tally.h"

namespace smtpscope::log {

class Archiver {
  public:
    /// `options` and `tally` outlive the archiver.
    Archiver(const SinkOptions& options, Tally& tally);
    /// Leaves unfinished work to the next start, which finds files that are not compressed yet.
    ~Archiver();
    Archiver(const Archiver&) = delete;
    Archiver& operator=(const Archiver&) = delete;

    /// Moves STREAM.log to a name with the time in it that no other file has; empty, with errno, if that fails.
    std::string move_away(std::string_view stream, Timestamp now);

    /// Asks for the compression of the stream's old files, where it is wanted, and the removal of those beyond `keep`.
    void tidy(std::string_view stream);

  private:
    void work(const std::stop_token& stop);
    void tidy_now(const std::string& stream, const std::stop_token& stop);

    const SinkOptions& options_;
    Tally& tally_;
    std::mutex mutex_;
    std::condition_variable_any asked_;
    std::deque<std::string> streams_;  ///< to be tidied
    std::jthread thread_;              ///< begun at the first request
};

/// The old files of a stream in a directory, oldest first; compressed ones too.
std::vector<std::string> old_files(const std::string& directory, std::string_view stream);

}  // namespace smtpscope::log
