// SPDX-License-Identifier: BSD-3-Clause
#include "agent/cgroup_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace smtpscope::agent {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto least_interval = 20ms;
constexpr int share_of_time = 20;  // one part in so many
constexpr std::size_t most_questions = 4096;
constexpr int max_depth = 32;  // each level holds a descriptor while it is read

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

/// Fills a tree, from one folder down.
class Reader {
  public:
    Reader(CgroupTree& tree, std::size_t max_folders) : tree_(&tree), max_folders_(max_folders) {}

    /// The folder `name` of `parent`, whose path is path_, and what is below it.
    void visit(int parent, const char* name, int depth) {
        struct stat info {};
        if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;  // it has been removed already
        if (tree_->paths.size() >= max_folders_ || depth > max_depth) {
            ++tree_->left_out;
            return;
        }
        tree_->paths.emplace(info.st_ino, path_.empty() ? "/" : path_);
        if (info.st_nlink == 2) return;  // its name and its own dot: there is no folder in it
        const int fd = open_folder(parent, name);
        if (fd >= 0) read(fd, depth);
    }

  private:
    /// Takes over `fd`.
    void read(int fd, int depth) {
        const Folder folder(fdopendir(fd));
        if (!folder) {
            close(fd);
            return;
        }
        const std::size_t length = path_.size();
        while (const dirent* entry = readdir(folder.get())) {
            const std::string_view name = entry->d_name;
            if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
            path_.append("/").append(name);
            visit(fd, entry->d_name, depth + 1);
            path_.resize(length);
        }
    }

    CgroupTree* tree_;
    std::size_t max_folders_;
    std::string path_;
};

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

CgroupTree read_cgroups(int root, std::size_t max_folders) {
    CgroupTree tree;
    Reader(tree, max_folders).visit(root, ".", 0);
    return tree;
}

CgroupIndex::CgroupIndex(const std::string& mount_point, std::size_t max_folders)
    : root_(mount_point.empty() ? -1 : open_folder(AT_FDCWD, mount_point.c_str())), max_folders_(max_folders) {
    if (root_) thread_ = std::thread([this] { serve(); });
}

CgroupIndex::~CgroupIndex() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    asked_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void CgroupIndex::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        asked_.wait(lock, [this] { return stopping_ || !due_.empty(); });
        asked_.wait_until(lock, next_reading_, [this] { return stopping_; });
        if (stopping_) return;
        const std::vector<std::uint64_t> ids = std::exchange(due_, {});
        lock.unlock();
        const auto begin = steady_clock::now();
        CgroupTree tree = read_cgroups(root_.get(), max_folders_);
        const auto end = steady_clock::now();
        lock.lock();
        std::swap(tree_, tree);
        ++stats_.readings;
        next_reading_ = end + std::max<steady_clock::duration>(least_interval, (end - begin) * share_of_time);
        answer(ids);
        lock.unlock();
        tree = {};  // the old one takes a while to free: not under the lock
        lock.lock();
    }
}

/// Answers them from the tree that was read after they were asked.
void CgroupIndex::answer(const std::vector<std::uint64_t>& ids) {
    for (const std::uint64_t id : ids) {
        const auto question = questions_.find(id);
        if (question == questions_.end()) continue;
        question->second.due = false;
        question->second.answered = true;
        if (const auto found = tree_.paths.find(id); found != tree_.paths.end()) question->second.path = found->second;
    }
}

std::optional<std::string> CgroupIndex::find(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = tree_.paths.find(id); found != tree_.paths.end()) return found->second;
    const Question* const question = root_ ? &ask(id) : nullptr;
    if (question && !question->answered) return std::nullopt;
    if (question && !question->path.empty()) return question->path;
    ++stats_.unknown;
    return std::string();
}

CgroupIndex::Question& CgroupIndex::ask(std::uint64_t id) {
    if (questions_.size() >= most_questions && !questions_.contains(id)) {
        questions_.clear();
        due_.clear();
    }
    Question& question = questions_[id];
    if (question.path.empty() && !std::exchange(question.due, true)) {
        due_.push_back(id);
        asked_.notify_one();
    }
    return question;
}

CgroupIndexStats CgroupIndex::stats() const {
    const std::lock_guard lock(mutex_);
    CgroupIndexStats stats = stats_;
    stats.folders = tree_.paths.size();
    stats.left_out = tree_.left_out;
    return stats;
}

}  // namespace smtpscope::agent
