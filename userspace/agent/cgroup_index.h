// SPDX-License-Identifier: BSD-3-Clause
// From a cgroup's id to its path. The id is the inode of its folder; opening a folder by that needs a capability that
// the agent does not have, so the whole tree is read.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/descriptor.h"

namespace smtpscope::agent {

/// Where the cgroup2 file system is mounted, by the text of /proc/self/mountinfo; empty if nowhere.
std::string cgroup2_mount(std::string_view mountinfo);

struct CgroupIndexStats {
    std::uint64_t folders = 0;   ///< known now
    std::uint64_t left_out = 0;  ///< a limit was reached: `max_folders`, or 32 levels
    std::uint64_t readings = 0;  ///< of the tree
    std::uint64_t unknown = 0;   ///< ids that were asked for and not found
};

/// What one reading of the tree has found.
struct CgroupTree {
    std::unordered_map<std::uint64_t, std::string> paths;  ///< by id, from the mount point on; that itself is `/`
    std::uint64_t left_out = 0;                            ///< see CgroupIndexStats
};
/// Reads the tree below the folder that `root` is open at. Links are not followed.
CgroupTree read_cgroups(int root, std::size_t max_folders);

class CgroupIndex {
  public:
    /// `mount_point`: may be empty or wrong; nothing is found then.
    explicit CgroupIndex(const std::string& mount_point, std::size_t max_folders = 65536);
    ~CgroupIndex();
    CgroupIndex(const CgroupIndex&) = delete;
    CgroupIndex& operator=(const CgroupIndex&) = delete;

    bool usable() const { return bool(root_); }
    /// The path; empty if there is none; nullopt as long as it is unknown. Never waits: for a new id a thread of
    /// its own reads the tree, but not sooner than a fiftieth of a second after the last time, and not for more than a
    /// twentieth of the time. The answers of the last 4,096 ids are kept, also after the folder was
    /// removed. Any
    /// thread may call it.
    std::optional<std::string> find(std::uint64_t id);
    CgroupIndexStats stats() const;

  private:
    /// An id that was not in the tree when it was asked for.
    struct Question {
        std::string path;       ///< empty: not found
        bool due = false;       ///< the tree has to be read for it
        bool answered = false;  ///< it has been, once
    };

    void serve();
    void answer(const std::vector<std::uint64_t>& ids);
    Question& ask(std::uint64_t id);

    const Descriptor root_;
    const std::size_t max_folders_;
    mutable std::mutex mutex_;
    std::condition_variable asked_;
    CgroupTree tree_;
    CgroupIndexStats stats_;
    std::chrono::steady_clock::time_point next_reading_{};
    std::unordered_map<std::uint64_t, Question> questions_;
    std::vector<std::uint64_t> due_;  ///< those of questions_ that the next reading is for
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace smtpscope::agent
