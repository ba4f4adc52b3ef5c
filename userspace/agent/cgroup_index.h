// SPDX-License-Identifier: BSD-3-Clause
// From a cgroup's id to its path. The id is the inode of its folder; to open a folder by that takes a capability that
// the agent does not have, so the tree is read as a whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/file_descriptor.h"

namespace smtpscope::agent {

/// Where the cgroup2 file system is mounted, by the text of /proc/self/mountinfo; empty if nowhere.
std::string cgroup2_mount(std::string_view mountinfo);

struct CgroupIndexStats {
    std::uint64_t folders = 0;   ///< known now
    std::uint64_t left_out = 0;  ///< a limit was reached: `max_folders`, or 32 levels
    std::uint64_t readings = 0;  ///< of the tree
    std::uint64_t unknown = 0;   ///< ids that were asked for and not found
};

class CgroupIndex {
  public:
    using Clock = std::chrono::steady_clock;

    /// `mount_point`: may be empty or wrong; nothing is found then.
    explicit CgroupIndex(const std::string& mount_point, std::size_t max_folders = 65536);

    bool usable() const { return bool(root_); }
    /// The path from the mount point on, `/` for that itself; nullptr if there is none. Valid until the next call.
    /// Reads the tree if the id is new, but not sooner than a tenth of a second after the last reading, and not for
    /// more than a twentieth of the time.
    const std::string* find(std::uint64_t id, Clock::time_point now = Clock::now());
    const CgroupIndexStats& stats() const { return stats_; }

  private:
    void read_tree(Clock::time_point now);
    void read_folder(int fd, std::string& path, int depth);
    void visit(int parent, const char* name, std::string& path, int depth);

    FileDescriptor root_;
    std::size_t max_folders_;
    std::unordered_map<std::uint64_t, std::string> paths_;
    Clock::time_point next_reading_{};
    CgroupIndexStats stats_;
};

}  // namespace smtpscope::agent
