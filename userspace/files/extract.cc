// SPDX-License-Identifier: BSD-3-Clause
#include "files/extract.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

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
    return fd;
}

}  // namespace

Extractor::Extractor(ExtractOptions options, WhenFull when_full)
    : options_(std::move(options)), when_full_(when_full), directory_(open_directory(options_.directory)) {
    survey();
    thread_ = std::thread([this] { work(); });
}

Extractor::~Extractor() {
    for (const auto& [file, open] : open_) order({Order::Kind::discard, file, {}});
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    filled_.notify_one();
    thread_.join();
    ::close(directory_);
}

/// Counts what is there, and removes what an earlier run left unfinished.
void Extractor::survey() {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(::dup(directory_)), &::closedir);
    if (!dir) return;
    while (const dirent* entry = ::readdir(dir.get())) {
        struct stat s {};
        if (::fstatat(directory_, entry->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(s.st_mode)) continue;
        if (std::string_view(entry->d_name).ends_with(unfinished) && ::unlinkat(directory_, entry->d_name, 0) == 0)
            continue;
        ++files_;
        total_ += static_cast<std::uint64_t>(s.st_size);
    }
}

bool Extractor::has_room() const {
    struct statvfs s {};
    if (options_.min_free == 0 || ::fstatvfs(directory_, &s) != 0) return true;
    return std::uint64_t{s.f_bavail} * s.f_frsize >= options_.min_free;
}

ContentSink::Handle Extractor::begin(const FileInfo& rec) {
    const bool message = rec.mime_type == "message/rfc822" && !rec.parent_fuid;
    if (options_.what != ExtractWhat::all && message != (options_.what == ExtractWhat::messages)) return none;
    const bool room = has_room();
    {
        const std::lock_guard lock(mutex_);
        std::uint64_t* refused = nullptr;
        if (options_.max_files > 0 && files_ >= options_.max_files)
            refused = &stats_.limit_files;
        else if (options_.max_total > 0 && total_ >= options_.max_total)
            refused = &stats_.limit_total;
        else if (!room)
            refused = &stats_.no_room;
        if (refused) {
            ++*refused;
            return none;
        }
        ++files_;
    }
    open_[++last_] = {rec.fuid, 0, false};
    order({Order::Kind::begin, last_, rec.fuid});
    return last_;
}

void Extractor::write(Handle file, std::string_view bytes) {
    Open& f = open_.at(file);
    while (!bytes.empty() && !f.cut_off) {
        std::size_t size = std::min(bytes.size(), slice);
        if (options_.max_bytes > 0) size = std::min<std::uint64_t>(size, options_.max_bytes - f.accepted);
        {
            std::unique_lock lock(mutex_);
            if (options_.max_total > 0)
                size = std::min<std::uint64_t>(size, options_.max_total - std::min(total_, options_.max_total));
            if (when_full_ == WhenFull::wait)
                drained_.wait(lock, [&] { return queued_ < queue_bytes; });
            else if (queued_ >= queue_bytes)
                size = 0;
            total_ += size;
        }
        f.cut_off = size == 0;
        f.accepted += size;
        if (size > 0) order({Order::Kind::write, file, std::string(bytes.substr(0, size))});
        bytes.remove_prefix(size);
    }
}

ContentResult Extractor::end(Handle file) {
    const auto it = open_.find(file);
    Open f = std::move(it->second);
    open_.erase(it);
    if (f.cut_off) {
        const std::lock_guard lock(mutex_);
        ++stats_.cut_off;
    }
    order({Order::Kind::end, file, {}});
    return {std::move(f.name), f.accepted, f.cut_off};
}

void Extractor::discard(Handle file) {
    open_.erase(file);
    order({Order::Kind::discard, file, {}});
}

void Extractor::order(Order&& o) {
    {
        const std::lock_guard lock(mutex_);
        queued_ += o.text.size();
        orders_.push_back(std::move(o));
    }
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
            done += o.text.size();
        }
        lock.lock();
        queued_ -= done;
        drained_.notify_one();
    }
}

void Extractor::carry_out(const Order& o) {
    if (o.kind == Order::Kind::begin) {
        // The name is of our own making: nothing from the network is in it.
        const std::string name = o.text + std::string(unfinished);
        const int fd = ::openat(directory_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        writing_[o.file] = {fd, o.text, 0};
        if (fd < 0) fail(o.file, "open");
        return;
    }
    const auto it = writing_.find(o.file);
    if (it == writing_.end()) return;  // it failed before
    Written& f = it->second;
    if (o.kind == Order::Kind::write) {
        std::string_view left = o.text;
        while (!left.empty()) {
            const ssize_t n = ::write(f.fd, left.data(), left.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return fail(o.file, "write");
            left.remove_prefix(static_cast<std::size_t>(n));
            f.size += static_cast<std::uint64_t>(n);
        }
        return;
    }
    const std::string part = f.name + std::string(unfinished);
    ::close(std::exchange(f.fd, -1));
    if (o.kind == Order::Kind::discard) {
        ::unlinkat(directory_, part.c_str(), 0);
        const std::lock_guard lock(mutex_);
        --files_;
        total_ -= f.size;
    } else {
        if (::renameat(directory_, part.c_str(), directory_, f.name.c_str()) != 0) return fail(o.file, "rename");
        const std::lock_guard lock(mutex_);
        ++stats_.written;
        stats_.bytes += f.size;
    }
    writing_.erase(it);
}

void Extractor::fail(Handle file, const char* what) {
    const std::string error = std::string(what) + ": " + std::strerror(errno);
    const auto it = writing_.find(file);
    const std::string part = it->second.name + std::string(unfinished);
    if (it->second.fd >= 0) {
        ::close(it->second.fd);
        ::unlinkat(directory_, part.c_str(), 0);
    }
    const std::lock_guard lock(mutex_);
    ++stats_.failed;
    stats_.last_error = options_.directory + "/" + part + ": " + error;
    --files_;
    total_ -= it->second.size;
    writing_.erase(it);
}

ExtractStats Extractor::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

}  // namespace smtpscope::files
