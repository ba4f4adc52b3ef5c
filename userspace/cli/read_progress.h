// SPDX-License-Identifier: BSD-3-Clause
// A line on stderr that shows how far a long file has been read, for people at a terminal.
#pragma once

#include <chrono>
#include <string>

#include "smtpscope/capture_file.h"

namespace smtpscope::cli {

class Progress {
  public:
    /// Both outlive it. Shows nothing if stderr is no terminal or stdout is one, or if the file is short or endless.
    Progress(const std::string& name, const CaptureFile& file);
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Cheap enough for every few packets.
    void update();
    /// Makes room for a message.
    void clear();

  private:
    using Clock = std::chrono::steady_clock;
    void draw();

    const std::string& name_;
    const CaptureFile& file_;
    const bool wanted_;
    bool drawn_ = false;
    Clock::time_point next_ = Clock::now() + std::chrono::milliseconds(500);
};

}  // namespace smtpscope::cli
