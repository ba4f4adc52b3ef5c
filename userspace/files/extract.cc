// SPDX-License-Identifier: BSD-3-Clause
#include "files/extract.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "files/place.h"
#include "smtpscope/records.h"

namespace smtpscope::files {

namespace {

constexpr std::string_view unfinished = ".part";
constexpr std::size_t slice = std::size_t{64} << 10;  // bytes handed over at once

int open_directory(const std::string& path) {
    const auto refuse = [&path](const std::string& why) {
        throw std::runtime_error("files.extract.directory " + path + ": " + why + ".");
    };
    if (const auto found = obstacle(path, Use::extraction, own_identity())) refuse(found->why + "; " + found->remedy);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) refuse(std::strerror(errno));
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) refuse(std::strerror(errno));
    // The path may now lead to another directory than the one that was checked.
    struct stat status {};
    if (::fstat(fd, &status) == 0 && (status.st_mode & S_IWOTH) == 0) return fd;
    ::close(fd);
    refuse("everybody may write there; take that right away, or name another directory");
    return -1;
}

/// `F`, letters and digits, and the ending of unfinished files: the names that this program gives.
bool is_unfinished(std::string_view name) {
    if (!name.starts_with('F') || !name.ends_with(unfinished)) return false;
    name.remove_suffix(unfinished.size());
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

Extractor::Extractor(ExtractOptions options, WhenFull when_full, std::size_t queue_bytes,
                     std::chrono::steady_clock::duration between_surveys)
    : options_(std::move(options)),
      when_full_(when_full),
      queue_bytes_(queue_bytes),
      directory_(open_directory(options_.directory)),
      between_surveys_(between_surveys) {
    remove_leftovers();
    kept_ = survey().value_or(Space{});
    thread_ = std::thread([this] { work(); });
}

Extractor::~Extractor() {
    std::vector<Handle> left;
    for (const auto& [file, open] : open_) left.push_back(file);
    for (const Handle file : left) discard(file);
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    filled_.notify_one();
    thread_.join();
    ::close(directory_);
}

/// False if the directory cannot be read.
template <class Visit>
bool Extractor::for_each_file(Visit visit) const {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(::openat(directory_, ".", O_RDONLY | O_CLOEXEC)),
                                                  &::closedir);
    while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
        struct stat s {};
        if (::fstatat(directory_, entry->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode))
            visit(entry->d_name, s);
    }
    return dir != nullptr;
}

/// Removes what an earlier run left unfinished, unless another process, which holds a lock as long as it lives, may be
/// writing it.
void Extractor::remove_leftovers() const {
    if (::flock(directory_, LOCK_EX | LOCK_NB) == 0)
        for_each_file([this](const char* name, const struct stat& s) {
            if (s.st_uid == ::geteuid() && is_unfinished(name)) ::unlinkat(directory_, name, 0);
        });
    ::flock(directory_, LOCK_SH);
}

/// What is there, except what is being written.
std::optional<Extractor::Space> Extractor::survey() const {
    Space there;
    const bool read = for_each_file([&there](const char* name, const struct stat& s) {
        if (is_unfinished(name)) return;
        ++there.files;
        there.bytes += static_cast<std::uint64_t>(s.st_size);
    });
    return read ? std::optional(there) : std::nullopt;
}

bool Extractor::has_room() const {
    struct statvfs s {};
    if (options_.min_free == 0 || ::fstatvfs(directory_, &s) != 0) return true;
    return std::uint64_t{s.f_bavail} * s.f_frsize >= options_.min_free;
}

/// Whether the queue has room; waits until it has, if that is wanted.
bool Extractor::queue_takes(std::unique_lock<std::mutex>& lock) {
    const auto takes = [this] { return queued_ < queue_bytes_; };
    if (when_full_ == WhenFull::wait) drained_.wait(lock, takes);
    return takes();
}

/// The count of those that it turns away; nullptr: none is. From time to time it has what was kept counted again:
/// somebody may have taken files away.
std::uint64_t* Extractor::limit_reached() {
    const bool files = options_.max_files > 0 && kept_.files + under_way_.files >= options_.max_files;
    const bool total = options_.max_total > 0 && kept_.bytes + under_way_.bytes >= options_.max_total;
    if (!files && !total) return nullptr;
    if (const auto now = std::chrono::steady_clock::now(); now >= next_survey_) {
        next_survey_ = now + between_surveys_;
        put({Order::Kind::survey, none, {}});
    }
    return files ? &stats_.limit_files : &stats_.limit_total;
}

ContentSink::Handle Extractor::begin(const FileInfo& rec) {
    const bool message = rec.mime_type == "message/rfc822" && !rec.parent_fuid;
    if (options_.what != ExtractWhat::all && message != (options_.what == ExtractWhat::messages)) return none;
    const bool room = has_room();
    Handle file = none;
    {
        std::unique_lock lock(mutex_);
        const bool takes = queue_takes(lock);  // first, because limits may be reached while it waits
        std::uint64_t* refused = limit_reached();
        if (!refused && !room) refused = &stats_.no_room;
        if (!refused && !takes) refused = &stats_.queue_full;
        if (refused) {
            ++*refused;
            return none;
        }
        ++under_way_.files;
        file = ++last_;
        open_[file] = {rec.fuid, 0, false};
    }
    order({Order::Kind::begin, file, rec.fuid});
    return file;
}

/// Valid until its caller keeps or discards it.
Extractor::Open& Extractor::opened(Handle file) {
    const std::lock_guard lock(mutex_);
    return open_.at(file);
}

void Extractor::write(Handle file, std::string_view bytes) {
    Open& f = opened(file);
    while (!bytes.empty() && !f.cut_off) {
        std::size_t size = std::min(bytes.size(), slice);
        if (options_.max_bytes > 0) size = std::min<std::uint64_t>(size, options_.max_bytes - f.accepted);
        {
            std::unique_lock lock(mutex_);
            if (!queue_takes(lock)) size = 0;
            const std::uint64_t total = kept_.bytes + under_way_.bytes;
            if (options_.max_total > 0)
                size = std::min<std::uint64_t>(size, options_.max_total - std::min(total, options_.max_total));
            under_way_.bytes += size;
        }
        f.cut_off = size == 0;
        f.accepted += size;
        if (size > 0) order({Order::Kind::write, file, std::string(bytes.substr(0, size))});
        bytes.remove_prefix(size);
    }
}

ContentResult Extractor::end(Handle file) {
    const Open& f = opened(file);
    order({Order::Kind::end, file, {}});
    return {f.name, f.accepted, f.cut_off};
}

void Extractor::keep(Handle file) {
    bool cut_off = false;
    {
        const std::lock_guard lock(mutex_);
        const auto it = open_.find(file);
        cut_off = it->second.cut_off;
        open_.erase(it);
    }
    order({Order::Kind::keep, file, {}, cut_off});
}

void Extractor::discard(Handle file) {
    {
        const std::lock_guard lock(mutex_);
        open_.erase(file);
    }
    order({Order::Kind::discard, file, {}});
}

void Extractor::order(Order&& o) {
    const std::lock_guard lock(mutex_);
    put(std::move(o));
}

/// With the lock.
void Extractor::put(Order&& o) {
    queued_ += o.size();
    orders_.push_back(std::move(o));
    filled_.notify_one();
}

// ---- the thread

void Extractor::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        filled_.wait(lock, [this] { return closing_ || !orders_.empty(); });
        if (orders_.empty()) return;
        std::deque<Order> batch = std::exchange(orders_, {});
        lock.unlock();
        std::size_t done = 0;
        for (const Order& o : batch) {
            carry_out(o);
            done += o.size();
        }
        lock.lock();
        queued_ -= done;
        drained_.notify_all();
    }
}

void Extractor::begin_file(const Order& o) {
    // The name is our own: it contains nothing from the network.
    const std::string part = o.text + std::string(unfinished);
    const int fd = ::openat(directory_, part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    writing_[o.file] = {fd, o.text};
    if (fd < 0) fail(o.file, "open", Left::nothing);
}

bool Extractor::write_all(Written& f, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(f.fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
        f.size += static_cast<std::uint64_t>(n);
    }
    return true;
}

void Extractor::carry_out(const Order& o) {
    using Kind = Order::Kind;
    if (o.kind == Kind::begin) return begin_file(o);
    if (o.kind == Kind::survey) {
        const std::optional<Space> there = survey();
        const std::lock_guard lock(mutex_);
        if (there) kept_ = *there;  // only this thread keeps files
        return;
    }
    const auto it = writing_.find(o.file);
    if (it == writing_.end()) {  // it failed before
        const std::lock_guard lock(mutex_);
        under_way_.bytes -= o.text.size();
        return;
    }
    Written& f = it->second;
    if (o.kind == Kind::write) {
        f.accepted += o.text.size();
        if (!write_all(f, o.text)) fail(o.file, "write", Left::part);
        return;
    }
    // While it waits to be kept or discarded it needs no descriptor.
    if (f.fd >= 0) ::close(std::exchange(f.fd, -1));
    if (o.kind == Kind::end) return;
    const std::string part = f.name + std::string(unfinished);
    if (o.kind == Kind::keep && ::renameat(directory_, part.c_str(), directory_, f.name.c_str()) != 0)
        return fail(o.file, "rename", Left::part);
    if (o.kind == Kind::discard) ::unlinkat(directory_, part.c_str(), 0);
    const std::lock_guard lock(mutex_);
    --under_way_.files;
    under_way_.bytes -= f.size;
    if (o.kind == Kind::keep) {
        ++stats_.written;
        stats_.cut_off += o.cut_off;
        stats_.bytes += f.size;
        ++kept_.files;
        kept_.bytes += f.size;
    } else {
        ++stats_.discarded;
    }
    writing_.erase(it);
}

void Extractor::fail(Handle file, const char* what, Left left) {
    const std::string error = std::string(what) + ": " + std::strerror(errno);
    const auto it = writing_.find(file);
    const std::string part = it->second.name + std::string(unfinished);
    if (it->second.fd >= 0) ::close(it->second.fd);
    if (left == Left::part) ::unlinkat(directory_, part.c_str(), 0);
    const std::lock_guard lock(mutex_);
    ++stats_.failed;
    stats_.last_error = options_.directory + "/" + part + ": " + error;
    --under_way_.files;
    under_way_.bytes -= it->second.accepted;
    writing_.erase(it);
}

ExtractStats Extractor::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

}  // namespace smtpscope::files
