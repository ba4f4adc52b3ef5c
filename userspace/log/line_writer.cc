// SPDX-License-Identifier: BSD-3-Clause
#include "log/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "log/format.h"

namespace smtpscope::log {
namespace {

class StdoutWriter final : public LineWriter {
  public:
    explicit StdoutWriter(const WriterContext& context) : context_(context) {}

    ~StdoutWriter() override {
        if (begun_ && context_.format == Format::tsv) write_all(STDOUT_FILENO, tsv_footer(now()));
    }

    void write(std::string_view lines) override {
        std::string start;
        if (torn_) start += '\n';
        if (!begun_ && context_.format == Format::tsv) start += tsv_header(context_.stream, now());
        if (!start.empty() && write_all(STDOUT_FILENO, start).error != 0) return drop(lines, errno);
        begun_ = true;
        torn_ = false;

        const WriteResult result = write_all(STDOUT_FILENO, lines);
        context_.tally.wrote(count_lines(lines.substr(0, result.written)));
        if (result.error == 0) return;
        const std::size_t end = lines.substr(0, result.written).rfind('\n') + 1;  // npos + 1 is 0
        torn_ = end != result.written;
        drop(lines.substr(end), result.error);
    }

    bool is_interactive() const override { return ::isatty(STDOUT_FILENO) == 1; }

  private:
    static Timestamp now() { return std::chrono::system_clock::now(); }

    void drop(std::string_view lines, int error) {
        context_.tally.dropped(count_lines(lines), LossCause::refused,
                               std::string("standard output: ") + std::strerror(error) + ".");
    }

    WriterContext context_;
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
            // Whoever gave us the descriptor made it non-blocking; we have nothing else to do than to wait.
            pollfd wait{fd, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            result.error = errno;
            return result;
        }
    }
    return result;
}

}  // namespace smtpscope::log
