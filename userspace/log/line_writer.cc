// SPDX-License-Identifier: BSD-3-Clause
#include "log/line_writer.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "format/lines.h"

namespace smtpscope::log {
namespace {

bool is_regular(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// A pipe that is writable has room for at least PIPE_BUF bytes; with more, write(2) waits for the reader. A write of
/// up to that size is atomic: output that is cut off ends with a whole line, and two sinks do not mix their lines,
/// unless a line is longer.
std::string_view piece_of(std::string_view bytes) {
    const std::string_view most = bytes.substr(0, PIPE_BUF);
    const std::size_t whole = most.rfind('\n') + 1;  // npos + 1 is 0
    return whole > 0 ? most.substr(0, whole) : most;
}

class StdoutWriter final : public LineWriter {
  public:
    explicit StdoutWriter(const WriterContext& context)
        : context_(context), may_block_(context.patience && !is_regular(STDOUT_FILENO)) {}

    ~StdoutWriter() override {
        if (!begun_ || context_.format != Format::tsv) return;
        // Nobody waits for its end.
        if (!may_block_ || context_.patience->wait_writable(STDOUT_FILENO, std::chrono::milliseconds(0)))
            put(format::tsv_footer(now()));
    }

    void write(std::string_view lines) override {
        std::string start;
        if (torn_) start += '\n';
        if (!begun_ && context_.format == Format::tsv) start += format::tsv_header(context_.stream, now());
        if (const int error = put(start).error; error != 0) return drop(lines, error);
        begun_ = true;
        torn_ = false;

        const WriteResult result = put(lines);
        context_.tally.wrote(count_lines(lines.substr(0, result.written)));
        if (result.error == 0) return;
        const std::size_t end = lines.substr(0, result.written).rfind('\n') + 1;  // npos + 1 is 0
        torn_ = end != result.written;
        drop(lines.substr(end), result.error);
    }

    bool is_interactive() const override { return ::isatty(STDOUT_FILENO) == 1; }

  private:
    static Timestamp now() { return std::chrono::system_clock::now(); }

    WriteResult put(std::string_view bytes) {
        if (!may_block_) return write_all(STDOUT_FILENO, bytes);
        return write_with_room(STDOUT_FILENO, bytes, [this] { return wait_for_room(); });
    }

    bool wait_for_room() {
        while (!context_.patience->wait_writable(STDOUT_FILENO, std::chrono::seconds(1))) {
            if (context_.patience->is_over()) return false;
            context_.tally.waits(nobody_reads);
        }
        context_.patience->moved();
        return true;
    }

    void drop(std::string_view lines, int error) {
        if (error == ETIMEDOUT)
            context_.tally.dropped(count_lines(lines), LossCause::ended, nobody_reads);
        else
            context_.tally.dropped(count_lines(lines), LossCause::refused,
                                   std::string("standard output: ") + std::strerror(error) + ".");
    }

    static constexpr char nobody_reads[] = "standard output: nobody reads it.";

    WriterContext context_;
    const bool may_block_;
    bool begun_ = false;
    bool torn_ = false;  ///< the last line was cut off; the next must not become its end
};

}  // namespace

std::unique_ptr<LineWriter> make_stdout_writer(const WriterContext& context) {
    return std::make_unique<StdoutWriter>(context);
}

std::uint64_t count_lines(std::string_view lines) {
    // memchr looks at many bytes together; lines are long.
    std::uint64_t count = 0;
    for (std::size_t at = lines.find('\n'); at != std::string_view::npos; at = lines.find('\n', at + 1)) ++count;
    return count;
}

WriteResult write_all(int fd, std::string_view bytes) {
    WriteResult result;
    while (result.written < bytes.size()) {
        const ssize_t n = ::write(fd, bytes.data() + result.written, bytes.size() - result.written);
        if (n >= 0) {
            result.written += static_cast<std::size_t>(n);
        } else if (errno == EAGAIN) {
            // The descriptor was non-blocking when we got it; there is nothing else to do than to wait.
            pollfd wait{fd, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            result.error = errno;
            return result;
        }
    }
    return result;
}

WriteResult write_with_room(int fd, std::string_view bytes, const std::function<bool()>& room) {
    WriteResult all;
    while (all.written < bytes.size()) {
        if (!room()) {
            all.error = ETIMEDOUT;
            return all;
        }
        const std::string_view piece = piece_of(bytes.substr(all.written));
        const ssize_t n = ::write(fd, piece.data(), piece.size());
        if (n >= 0) {
            all.written += static_cast<std::size_t>(n);
        } else if (errno != EINTR && errno != EAGAIN) {
            all.error = errno;
            return all;
        }
    }
    return all;
}

}  // namespace smtpscope::log
