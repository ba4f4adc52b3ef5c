// SPDX-License-Identifier: BSD-3-Clause
#include "log/archiver.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "format/number.h"
#include "log/gzip.h"

namespace smtpscope::log {
namespace {

/// rename(2) that never replaces a file, even where the file system cannot guarantee that.
int rename_to_new(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    if (::access(to.c_str(), F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    return ::rename(from.c_str(), to.c_str());
}

std::string remove_file(const std::string& path) {
    return ::unlink(path.c_str()) == 0 ? "" : "cannot remove " + path + ": " + std::strerror(errno) + ".";
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

std::vector<std::string> old_files(const std::string& directory, std::string_view stream) {
    const std::string prefix = std::string(stream) + "-";
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        // `smtp-2...`: the time in the name begins with a digit, which excludes a stream `smtp-x`.
        const bool ours = name.starts_with(prefix) && name.size() > prefix.size() && name[prefix.size()] >= '0' &&
                          name[prefix.size()] <= '9';
        if (ours && (name.ends_with(".log") || name.ends_with(".log.gz"))) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
}

Archiver::Archiver(const SinkOptions& options, Tally& tally) : options_(options), tally_(tally) {}

Archiver::~Archiver() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

std::string Archiver::move_away(std::string_view stream, Timestamp now) {
    const std::string base = options_.directory + "/" + std::string(stream);
    // Two files of one microsecond: the second gets the next microsecond, so that names stay in the order of time.
    for (int tries = 0; tries < 1000; ++tries, now += std::chrono::microseconds(1)) {
        std::string to = base + "-" + format::utc_stamp(now) + ".log";
        if (exists(to + ".gz")) continue;
        if (rename_to_new(base + ".log", to) == 0) return to;
        if (errno != EEXIST) return {};
    }
    errno = EEXIST;
    return {};
}

void Archiver::tidy(std::string_view stream) {
    const std::lock_guard lock(mutex_);
    if (std::find(streams_.begin(), streams_.end(), stream) == streams_.end()) streams_.emplace_back(stream);
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    asked_.notify_one();
}

void Archiver::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::string stream;
        {
            std::unique_lock lock(mutex_);
            if (!asked_.wait(lock, stop, [this] { return !streams_.empty(); })) return;
            stream = std::move(streams_.front());
            streams_.pop_front();
        }
        tidy_now(stream, stop);
    }
}

void Archiver::tidy_now(const std::string& stream, const std::stop_token& stop) {
    std::vector<std::string> files = old_files(options_.directory, stream);
    const std::size_t keep = options_.rotate.keep;
    const std::size_t surplus = keep != 0 && files.size() > keep ? files.size() - keep : 0;
    std::string error;  // the last one: a failure does not stop the rest
    const auto note = [&error](std::string one) {
        if (!one.empty()) error = std::move(one);
    };
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (i < surplus)
            note(remove_file(files[i]));
        else if (options_.rotate.compress && !files[i].ends_with(".gz"))
            note(gzip_file(files[i], stop));
    }
    if (error.empty())
        tally_.all_is_done();
    else
        tally_.failed(error);
}

}  // namespace smtpscope::log
