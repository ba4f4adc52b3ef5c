// SPDX-License-Identifier: BSD-3-Clause
#include "log/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "format/lines.h"

namespace smtpscope::log {
namespace {

Timestamp now() {
    return std::chrono::system_clock::now();
}

std::string sentence(const std::string& what, const std::string& path) {
    return what + " " + path + ": " + std::strerror(errno) + ".";
}

/// The format of a file that begins so; nothing if it is none of ours.
std::optional<Format> format_of(char first) {
    if (first == '{') return Format::json;
    if (first == '#') return Format::tsv;
    if (first >= '0' && first <= '9') return Format::brief;
    return std::nullopt;
}

/// When the file was created, so that its age survives a restart; now if the file system does not say.
Timestamp birth_of(int fd) {
    struct statx status {};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || (status.stx_mask & STATX_BTIME) == 0) return now();
    return from_nanoseconds(status.stx_btime.tv_sec * std::int64_t{1'000'000'000} + status.stx_btime.tv_nsec);
}

}  // namespace

FileWriter::FileWriter(const WriterContext& context, const SinkOptions& options, Archiver& archiver)
    : context_(context),
      options_(options),
      archiver_(archiver),
      path_(options.directory + "/" + std::string(context.stream.name) + ".log") {
    if (options.replace) ::unlink(path_.c_str());
    if (options.rotate.compress) archiver_.tidy(context.stream.name);
}

FileWriter::~FileWriter() {
    close();
}

void FileWriter::write(std::string_view lines) {
    if (fd_ >= 0 && is_deleted()) close();
    if (fd_ >= 0 && is_due()) rotate();
    while (!lines.empty()) {
        if (fd_ < 0 && !open()) return drop(lines);
        const std::size_t n = fitting(lines);
        if (n == 0) {
            rotate();
            continue;
        }
        const std::uint64_t before = size_;
        if (!append(lines.substr(0, n))) {
            context_.tally.wrote(count_lines(lines.substr(0, size_ - before)));
            return drop(lines.substr(size_ - before));
        }
        context_.tally.wrote(count_lines(lines.substr(0, n)));
        lines.remove_prefix(n);
    }
}

void FileWriter::reopen() {
    close();
}

bool FileWriter::open() {
    // Appending, so that two processes, or the old and the new sink of a reload, cannot overwrite each other.
    constexpr int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;
    fd_ = ::open(path_.c_str(), flags, 0640);
    if (fd_ >= 0 && is_of_another_format() && set_aside()) fd_ = ::open(path_.c_str(), flags, 0640);
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
        error_ = sentence("cannot open", path_);
        return false;
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    born_ = birth_of(fd_);
    if (begin_file()) return true;
    ::close(fd_);
    fd_ = -1;
    return false;
}

/// Whether the file was written before the configuration changed: one file has one format.
bool FileWriter::is_of_another_format() const {
    char first = 0;
    if (::pread(fd_, &first, 1, 0) != 1) return false;
    const std::optional<Format> format = format_of(first);
    return format && *format != context_.format;
}

/// Makes the file one of the old ones, and closes it.
bool FileWriter::set_aside() {
    if (archiver_.move_away(context_.stream.name, now()).empty()) {
        context_.tally.failed(sentence("cannot set aside, although it has another format,", path_));
        return false;
    }
    ::close(fd_);
    archiver_.tidy(context_.stream.name);
    return true;
}

/// What comes before the first record.
bool FileWriter::begin_file() {
    std::string start;
    char last = '\n';
    // The next record must not be appended to a line that a crash left unfinished.
    if (size_ > 0 && ::pread(fd_, &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last != '\n') start += '\n';
    if (context_.format == Format::tsv) start += format::tsv_header(context_.stream, now());
    const bool fresh = size_ == 0;
    if (!append(start)) return false;
    empty_size_ = fresh ? size_ : 0;
    return true;
}

void FileWriter::close() {
    if (fd_ < 0) return;
    if (context_.format == Format::tsv) append(format::tsv_footer(now()));
    ::close(fd_);
    fd_ = -1;
}

bool FileWriter::may_rotate() const {
    return size_ > empty_size_ && now() >= rotate_again_;
}

/// Nobody could read what would be written to it from now on.
bool FileWriter::is_deleted() const {
    struct stat status {};
    return ::fstat(fd_, &status) == 0 && status.st_nlink == 0;
}

bool FileWriter::is_due() const {
    const Duration age = options_.rotate.age;
    return age.count() > 0 && now() - born_ >= age && may_rotate();
}

/// How much of the lines may go into this file: whole lines, and at least one of them if it is empty; 0 if it is full.
std::size_t FileWriter::fitting(std::string_view lines) const {
    const std::uint64_t most = options_.rotate.size;
    if (most == 0 || size_ + lines.size() <= most) return lines.size();
    const std::size_t room = most > size_ ? static_cast<std::size_t>(most - size_) : 0;
    const std::size_t whole = lines.substr(0, room).rfind('\n') + 1;  // npos + 1 is 0
    if (whole > 0 || may_rotate()) return whole;
    return size_ > empty_size_ ? lines.size() : lines.find('\n') + 1;
}

void FileWriter::rotate() {
    close();
    if (archiver_.move_away(context_.stream.name, now()).empty()) {
        // The records matter more than the size of the file: continue with it, and try again later.
        context_.tally.failed(sentence("cannot rotate", path_));
        rotate_again_ = now() + std::chrono::minutes(1);
        return;
    }
    archiver_.tidy(context_.stream.name);
}

/// Writes all bytes, or whole lines of them: the part of a line that was written is taken back. Moves size_ on.
bool FileWriter::append(std::string_view bytes) {
    const WriteResult result = write_all(fd_, bytes);
    size_ += result.written;
    if (result.error == 0) return true;
    errno = result.error;
    error_ = sentence("cannot write to", path_);
    const std::size_t whole = bytes.substr(0, result.written).rfind('\n') + 1;
    if (whole == result.written) return false;
    const std::uint64_t end = size_;
    size_ -= result.written - whole;
    struct stat status {};
    const bool alone = ::fstat(fd_, &status) == 0 && static_cast<std::uint64_t>(status.st_size) == end;
    if (!alone || ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
        // The next open() sees the unfinished line and ends it.
        ::close(fd_);
        fd_ = -1;
    }
    return false;
}

void FileWriter::drop(std::string_view lines) {
    context_.tally.dropped(count_lines(lines), LossCause::refused, error_);
}

}  // namespace smtpscope::log
