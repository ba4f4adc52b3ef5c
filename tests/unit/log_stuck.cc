// SPDX-License-Identifier: BSD-3-Clause
// A pipe that nobody reads, as standard output or standard error: it holds up nothing else.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>

#include "catch.h"
#include "log/output.h"
#include "support_folder.h"
#include "support_records.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::log;
using smtpscope::test::eventually;
using smtpscope::test::record;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

/// Puts a pipe in the place of a descriptor. Nothing may be checked as long as it lives: Catch2 writes there, too.
class Pipe {
  public:
    explicit Pipe(int fd) : fd_(fd) {
        std::fflush(nullptr);
        saved_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        ::dup2(ends[1], fd);
        ::close(ends[1]);
        reader_ = ends[0];
    }
    ~Pipe() {
        ::dup2(saved_, fd_);
        ::close(saved_);
        ::close(reader_);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    /// Until there are so many lines.
    std::string read_lines(std::uint64_t lines) const {
        std::string text;
        char buffer[4096];
        while (static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) < lines) {
            const ssize_t n = ::read(reader_, buffer, sizeof buffer);
            if (n <= 0) break;
            text.append(buffer, static_cast<std::size_t>(n));
        }
        return text;
    }
    /// What is there.
    std::string read_rest() const {
        ::fcntl(reader_, F_SETFL, O_NONBLOCK);
        return read_lines(~std::uint64_t{0});
    }
    void fill() const {
        const int writer = ::open(("/proc/self/fd/" + std::to_string(fd_)).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        const std::string much(65536, 'x');
        while (::write(writer, much.data(), much.size()) > 0) {
        }
        ::close(writer);
    }

  private:
    const int fd_;
    int saved_;
    int reader_;
};

struct Folder : test::Folder {
    std::uint64_t lines() const {
        std::ifstream file(*this / "smtp.log");
        return static_cast<std::uint64_t>(
            std::count(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n'));
    }
};

constexpr std::uint64_t many = 2000;  // records: more than a pipe holds

Options stdout_and(const Folder& folder) {
    Options options;
    options.sinks.resize(2);
    options.sinks[1].type = SinkType::file;
    options.sinks[1].directory = folder.path;
    return options;
}

void write_many(Output& output) {
    for (std::uint64_t i = 0; i < many; ++i) output.smtp(record(i));
    output.flush();
}

std::uint64_t lines_of(const std::string& text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A reload, and the first record behind it.
void go_on(Output& next, std::unique_ptr<Output>& output) {
    next.succeed(*output);
    output.reset();
    next.smtp(record(many));
    next.flush();
}

}  // namespace

TEST_CASE("a pipe that nobody reads holds up no other sink, and loses nothing when it is read", "[log]") {
    const Folder folder;
    std::vector<SinkStatus> stuck, after;
    std::string text;
    bool all_in_file = false;
    bool said = false;
    set_level(Level::error);
    {
        const Pipe pipe(STDOUT_FILENO);
        Output output(stdout_and(folder), Delivery::queued);
        write_many(output);
        all_in_file = eventually([&] { return folder.lines() == many; });
        said = eventually([&] { return output.status()[0].last_error == "standard output: nobody reads it."; });
        stuck = output.status();
        text = pipe.read_lines(many);
        output.end();
        after = output.status();
    }
    set_level(Level::info);
    CHECK(all_in_file);
    CHECK(said);
    CHECK(stuck[0].waiting > 0);
    CHECK(stuck[0].written + stuck[0].waiting == many);
    CHECK(lines_of(text) == many);
    CHECK(after[0].written == many);
    CHECK(after[0].dropped == 0);
    CHECK(after[0].last_error.empty());
    CHECK(after[1].written == many);
}

TEST_CASE("a pipe that nobody reads is given up at the end, and what it has not got is counted", "[log]") {
    const Folder folder;
    std::vector<SinkStatus> after;
    std::string text;
    Clock::duration took{};
    set_level(Level::error);
    {
        const Pipe pipe(STDOUT_FILENO);
        Output output(stdout_and(folder), Delivery::queued);
        write_many(output);
        output.hurry(Clock::now() + 100ms);
        const auto begun = Clock::now();
        output.end();
        took = Clock::now() - begun;
        after = output.status();
        text = pipe.read_rest();
    }
    set_level(Level::info);
    CHECK(took < 2s);
    CHECK(folder.lines() == many);
    CHECK(after[0].dropped_at_end > 0);
    CHECK(after[0].dropped == after[0].dropped_at_end);
    CHECK(after[0].written == lines_of(text));
    CHECK(text.ends_with('\n'));  // or the next sink's first line would become the end of one that was cut off
    CHECK(after[0].written + after[0].dropped == many);
    CHECK(after[0].waiting == 0);
    CHECK(after[0].last_loss == "standard output: nobody reads it.");
    CHECK(after[1].dropped == 0);
}

TEST_CASE("two sinks on one pipe do not write into each other's lines", "[log]") {
    std::string text;
    {
        const Pipe pipe(STDOUT_FILENO);
        Options options;
        options.sinks.resize(2);
        options.sinks[0].streams = {"smtp"};
        options.sinks[1].streams = {"files"};
        Output output(options, Delivery::queued);
        for (std::uint64_t i = 0; i < many; ++i) {
            output.smtp(record(i));
            output.file({});
        }
        output.flush();
        text = pipe.read_lines(2 * many);
        output.end();
    }
    std::istringstream lines(text);
    std::uint64_t whole = 0;
    for (std::string line; std::getline(lines, line);)
        whole +=
            line.starts_with("{\"ts\":") && line.find("\"ts\":", 2) == std::string::npos && line.ends_with('}') ? 1 : 0;
    CHECK(whole == 2 * many);
}

TEST_CASE("what waits for a sink outlives a reload that leaves the sink as it is", "[log]") {
    const Folder folder;
    const Folder other;
    std::vector<SinkStatus> after;
    std::string text;
    {
        const Pipe pipe(STDOUT_FILENO);
        auto output = std::make_unique<Output>(stdout_and(folder), Delivery::queued);
        write_many(*output);
        auto next = std::make_unique<Output>(stdout_and(other), Delivery::queued);
        go_on(*next, output);
        text = pipe.read_lines(many + 1);
        next->end();
        after = next->status();
    }
    CHECK(lines_of(text) == many + 1);
    REQUIRE(after.size() == 3);
    CHECK(after[0].written == many + 1);
    CHECK(after[0].dropped == 0);
    CHECK(folder.lines() == many);
    CHECK(other.lines() == 1);
    CHECK(after[1].written == 1);
    CHECK(after[2].written == many);
    CHECK(after[2].former);
}

TEST_CASE("a sink that a reload has removed comes to its end beside the others", "[log]") {
    const Folder folder;
    std::vector<SinkStatus> after;
    Clock::duration took{};
    bool all_in_file = false;
    set_level(Level::error);
    {
        const Pipe pipe(STDOUT_FILENO);
        auto output = std::make_unique<Output>(stdout_and(folder), Delivery::queued);
        write_many(*output);
        Options without = stdout_and(folder);
        without.sinks.erase(without.sinks.begin());
        Output next(without, Delivery::queued);
        const auto begun = Clock::now();
        go_on(next, output);
        took = Clock::now() - begun;
        all_in_file = eventually([&] { return folder.lines() == many + 1; });
        next.end();
        after = next.status();
    }
    set_level(Level::info);
    CHECK(took < 2s);  // the end of the other one takes three
    CHECK(all_in_file);
    REQUIRE(after.size() == 2);
    CHECK(after[0].written == many + 1);
    CHECK(after[1].former);
    CHECK(after[1].waiting == 0);
    CHECK(after[1].dropped_at_end > 0);
    CHECK(after[1].written + after[1].dropped_at_end == many);
}

TEST_CASE("what comes after a reload for the same place waits for what came before it", "[log]") {
    std::vector<SinkStatus> after;
    std::string text;
    Clock::duration took{};
    {
        const Pipe pipe(STDOUT_FILENO);
        Options options;
        options.sinks.resize(1);
        auto output = std::make_unique<Output>(options, Delivery::queued);
        write_many(*output);
        options.sinks[0].format = Format::brief;
        Output next(options, Delivery::queued);
        const auto begun = Clock::now();
        go_on(next, output);
        took = Clock::now() - begun;
        text = pipe.read_lines(many + 1);
        next.end();
        after = next.status();
    }
    CHECK(took < 2s);
    CHECK(lines_of(text) == many + 1);
    const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
    CHECK(text[last] != '{');
    CHECK(text.rfind("\n{", last) == text.rfind('\n', last - 2));
    REQUIRE(after.size() == 1);
    CHECK(after[0].written == many + 1);
    CHECK(after[0].dropped == 0);
}

TEST_CASE("after a reload a file system that hangs holds up nobody", "[log]") {
    // What hangs is a pipe in the place of the file: nothing ends its write but a reader.
    const Folder hung, good;
    REQUIRE(::mkfifo((hung / "smtp.log").c_str(), 0600) == 0);
    Options options;
    options.sinks = {stdout_and(hung).sinks[1]};
    auto output = std::make_unique<Output>(options, Delivery::queued);
    write_many(*output);
    options.sinks = {stdout_and(good).sinks[1]};
    Output next(options, Delivery::queued);
    std::future<void> reload = std::async(std::launch::async, [&] { next.succeed(*output); });
    const bool at_once = reload.wait_for(20s) == std::future_status::ready;
    const int reader = ::open((hung / "smtp.log").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    std::string space(65536, ' ');
    const auto read_until = [&](const auto& done) {
        return eventually([&] {
            while (::read(reader, space.data(), space.size()) > 0) {
            }
            return done();
        });
    };
    CHECK(at_once);
    if (!at_once) read_until([&] { return reload.wait_for(0s) == std::future_status::ready; });
    output.reset();
    next.smtp(record(many));
    next.flush();
    CHECK(eventually([&] { return good.lines() == 1; }));
    const auto dropped_at_end = [&] { return next.status()[1].dropped_at_end; };
    REQUIRE(next.status().size() == 2);
    CHECK(next.status()[1].name == hung.path);
    CHECK(next.status()[1].waiting > 0);  // the batch that hangs, whatever becomes of the others
    CHECK(dropped_at_end() == 0);         // not known yet
    CHECK(read_until([&] { return next.status()[1].waiting == 0; }));
    ::close(reader);
    next.end();
    CHECK(next.status()[1].written + dropped_at_end() == many);
}

TEST_CASE("messages for a standard error that nobody reads are left out, and it is said", "[log]") {
    std::string text;
    Clock::duration took{};
    {
        const Pipe pipe(STDERR_FILENO);
        pipe.fill();
        const auto begun = Clock::now();
        for (int i = 0; i < 10; ++i) message(Level::warning, "lost");
        took = Clock::now() - begun;
        pipe.read_rest();
        message(Level::warning, "seen");
        text = pipe.read_rest();
    }
    CHECK(took < 3s);
    CHECK(text == "smtpscope: warning: 10 messages before this one found no room\nsmtpscope: warning: seen\n");
}
