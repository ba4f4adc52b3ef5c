// SPDX-License-Identifier: BSD-3-Clause
#include "log/gzip.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

#include "base/descriptor.h"
#include "log/line_writer.h"

namespace smtpscope::log {
namespace {

/// Deflate in the frame of RFC 1952.
class Gzip {
  public:
    explicit Gzip(int out) : out_(out) {
        constexpr int with_gzip_frame = 16, memory_level = 8;
        if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + with_gzip_frame, memory_level,
                           Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~Gzip() { ::deflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    void add(std::span<unsigned char> bytes) {
        stream_.next_in = bytes.data();
        stream_.avail_in = static_cast<uInt>(bytes.size());
        run(Z_NO_FLUSH);
    }
    void finish() { run(Z_FINISH); }

    /// errno of the first write that failed.
    int error() const { return error_; }

  private:
    void run(int flush) {
        do {
            stream_.next_out = buffer_.data();
            stream_.avail_out = static_cast<uInt>(buffer_.size());
            ::deflate(&stream_, flush);
            const std::string_view made(reinterpret_cast<const char*>(buffer_.data()),
                                        buffer_.size() - stream_.avail_out);
            if (error_ == 0) error_ = write_all(out_, made).error;
        } while (stream_.avail_out == 0 && error_ == 0);
    }

    int out_;
    int error_ = 0;
    z_stream stream_{};
    std::array<unsigned char, 65536> buffer_;
};

std::string failure(const std::string& path, int error) {
    return "cannot compress " + path + ": " + std::strerror(error) + ".";
}

/// Opens the unfinished file for this process alone, empty; none and errno if it cannot, EBUSY if another sink works on
/// it: during a reload, the sinks of both configurations exist for a moment.
Descriptor open_unfinished(const std::string& path) {
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
    if (!fd) return {};
    struct stat opened {
    }, named{};
    // The other sink may have finished, and renamed what we have opened, before we got the lock.
    const bool ours = ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(fd.get(), &opened) == 0 &&
                      ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
    if (ours && ::ftruncate(fd.get(), 0) == 0) return fd;
    if (!ours) errno = EBUSY;
    return {};
}

/// errno of what went wrong, 0, or ECANCELED.
int compress(int in, int out, const std::stop_token& stop) {
    Gzip gzip(out);
    std::array<unsigned char, 65536> buffer;
    ssize_t n = 0;
    while ((n = ::read(in, buffer.data(), buffer.size())) > 0) {
        if (stop.stop_requested()) return ECANCELED;
        gzip.add(std::span(buffer).first(static_cast<std::size_t>(n)));
        if (gzip.error() != 0) return gzip.error();
    }
    if (n < 0) return errno;
    gzip.finish();
    if (gzip.error() != 0) return gzip.error();
    // The original goes away next: its bytes must be on the disk by then.
    return ::fsync(out) == 0 ? 0 : errno;
}

}  // namespace

std::string gzip_file(const std::string& path, const std::stop_token& stop) {
    const std::string unfinished = path + ".gz.tmp", finished = path + ".gz";
    const Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!in) return errno == ENOENT ? std::string() : failure(path, errno);
    const Descriptor out = open_unfinished(unfinished);
    if (!out) return errno == EBUSY ? std::string() : failure(path, errno);

    int error = compress(in.get(), out.get(), stop);
    if (error == 0 && ::rename(unfinished.c_str(), finished.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(unfinished.c_str());
        return error == ECANCELED ? std::string() : failure(path, error);
    }
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? std::string() : failure(path, errno);
}

}  // namespace smtpscope::log
