// SPDX-License-Identifier: BSD-3-Clause
#include "agent/cgroup_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace smtpscope::agent {
namespace {

using namespace std::chrono_literals;

constexpr auto least_interval = 100ms;
constexpr int share_of_time = 20;  // one part in so many
constexpr int max_depth = 32;      // each level holds a descriptor while it is read

struct CloseFolder {
    void operator()(DIR* folder) const { closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

int open_folder(int parent, const char* name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/// The n-th word of a line, from 0 on; empty if there are not so many.
std::string_view word(std::string_view line, int n) {
    for (; n > 0; --n) {
        const std::size_t blank = line.find(' ');
        if (blank == line.npos) return {};
        line.remove_prefix(blank + 1);
    }
    return line.substr(0, line.find(' '));
}

/// Blanks, tabs, line feeds and backslashes stand in mountinfo as `\040` and their like.
std::string without_escapes(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '\\' && i + 3 < text.size();
        out += escaped ? static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'))
                       : text[i];
        if (escaped) i += 3;
    }
    return out;
}

}  // namespace

std::string cgroup2_mount(std::string_view mountinfo) {
    while (!mountinfo.empty()) {
        const std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
        mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
        // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [OPTIONAL...] - TYPE SOURCE OPTIONS (proc(5))
        const std::size_t separator = line.find(" - ");
        if (separator == line.npos || word(line.substr(separator + 3), 0) != "cgroup2") continue;
        return without_escapes(word(line, 4));
    }
    return {};
}

CgroupIndex::CgroupIndex(const std::string& mount_point, std::size_t max_folders)
    : root_(mount_point.empty() ? -1 : open_folder(AT_FDCWD, mount_point.c_str())), max_folders_(max_folders) {}

const std::string* CgroupIndex::find(std::uint64_t id, Clock::time_point now) {
    auto found = paths_.find(id);
    if (found == paths_.end() && now >= next_reading_ && root_) {
        read_tree(now);
        found = paths_.find(id);
    }
    if (found != paths_.end()) return &found->second;
    ++stats_.unknown;
    return nullptr;
}

void CgroupIndex::read_tree(Clock::time_point now) {
    const auto begin = Clock::now();
    paths_.clear();
    stats_.left_out = 0;
    ++stats_.readings;
    std::string path;
    visit(root_.get(), ".", path, 0);
    stats_.folders = paths_.size();
    next_reading_ = now + std::max<Clock::duration>(least_interval, (Clock::now() - begin) * share_of_time);
}

/// The folder `name`, whose path is `path`, and what is below it.
void CgroupIndex::visit(int parent, const char* name, std::string& path, int depth) {
    struct stat info {};
    if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;  // it is gone already
    if (paths_.size() >= max_folders_ || depth > max_depth) {
        ++stats_.left_out;
        return;
    }
    paths_.emplace(info.st_ino, path.empty() ? "/" : path);
    if (info.st_nlink == 2) return;  // itself and its own dot: there is no folder in it
    const int fd = open_folder(parent, name);
    if (fd >= 0) read_folder(fd, path, depth);
}

/// Takes over `fd`.
void CgroupIndex::read_folder(int fd, std::string& path, int depth) {
    const Folder folder(fdopendir(fd));
    if (!folder) {
        close(fd);
        return;
    }
    const std::size_t length = path.size();
    while (const dirent* entry = readdir(folder.get())) {
        const std::string_view name = entry->d_name;
        if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
        path.append("/").append(name);
        visit(fd, entry->d_name, path, depth + 1);
        path.resize(length);
    }
}

}  // namespace smtpscope::agent
