// SPDX-License-Identifier: BSD-3-Clause
#include "log/gzip.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "log/line_writer.h"

namespace smtpscope::log {
namespace {

/// A file descriptor that is closed at the end.
struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

std::string little_endian(std::uint32_t v) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(v >> shift & 0xff);
    return bytes;
}

/// RFC 1952 around the deflate stream of Boost.Beast, which comes without a library to link.
class Gzip {
  public:
    explicit Gzip(int out) : out_(out) {
        using boost::beast::zlib::Strategy;
        deflate_.reset(6, 15, 8, Strategy::normal);
        // ID1 ID2, deflate, no flags, no time, no extra flags, Unix.
        put(std::string_view("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10));
    }

    void add(std::string_view bytes) {
        checksum_.process_bytes(bytes.data(), bytes.size());
        length_ += static_cast<std::uint32_t>(bytes.size());
        run(bytes, boost::beast::zlib::Flush::none);
    }
    void finish() {
        run({}, boost::beast::zlib::Flush::finish);
        put(little_endian(checksum_.checksum()) + little_endian(length_));
    }

    /// errno of the first write that failed.
    int error() const { return error_; }

  private:
    void run(std::string_view bytes, boost::beast::zlib::Flush flush) {
        boost::beast::zlib::z_params z;
        z.next_in = bytes.data();
        z.avail_in = bytes.size();
        boost::beast::error_code result;
        do {
            z.next_out = buffer_.data();
            z.avail_out = buffer_.size();
            deflate_.write(z, flush, result);
            put(std::string_view(buffer_.data(), buffer_.size() - z.avail_out));
        } while (z.avail_out == 0 && error_ == 0);
    }
    void put(std::string_view bytes) {
        if (error_ == 0) error_ = write_all(out_, bytes).error;
    }

    int out_;
    int error_ = 0;
    boost::beast::zlib::deflate_stream deflate_;
    boost::crc_32_type checksum_;
    std::uint32_t length_ = 0;  ///< modulo 2^32, as the format has it
    std::array<char, 65536> buffer_;
};

std::string failure(const std::string& path, int error) {
    return "cannot compress " + path + ": " + std::strerror(error) + ".";
}

/// Opens the unfinished file for this process alone, empty; -1 with errno, EBUSY if somebody else works on it: at a
/// reload, the sinks of both configurations are there for a moment.
int open_unfinished(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return -1;
    struct stat opened {
    }, named{};
    // The other may have finished, and renamed what we have opened, before we got the lock.
    const bool ours = ::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &opened) == 0 &&
                      ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
    if (ours && ::ftruncate(fd, 0) == 0) return fd;
    const int error = ours ? errno : EBUSY;
    ::close(fd);
    errno = error;
    return -1;
}

/// errno of what went wrong, 0, or ECANCELED.
int compress(int in, int out, const std::stop_token& stop) {
    Gzip gzip(out);
    std::array<char, 65536> buffer;
    ssize_t n = 0;
    while ((n = ::read(in, buffer.data(), buffer.size())) > 0) {
        if (stop.stop_requested()) return ECANCELED;
        gzip.add(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
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
    const Descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (in.fd < 0) return errno == ENOENT ? std::string() : failure(path, errno);
    const Descriptor out{open_unfinished(unfinished)};
    if (out.fd < 0) return errno == EBUSY ? std::string() : failure(path, errno);

    int error = compress(in.fd, out.fd, stop);
    if (error == 0 && ::rename(unfinished.c_str(), finished.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(unfinished.c_str());
        return error == ECANCELED ? std::string() : failure(path, error);
    }
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? std::string() : failure(path, errno);
}

}  // namespace smtpscope::log
