// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "catch.h"
#include "log/archiver.h"
#include "log/gzip.h"
#include "log/output.h"
#include "support_folder.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::log;
using smtpscope::test::eventually;
namespace fs = std::filesystem;

namespace {

struct Directory : test::Folder {
    std::string file(const std::string& name) const { return *this / name; }
};

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string unzipped(const std::string& path) {
    std::string text;
    FILE* pipe = ::popen(("gzip -dc " + path).c_str(), "r");
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    CHECK(::pclose(pipe) == 0);
    return text;
}

Info record(std::uint64_t number = 1) {
    Info r;
    r.ts = from_nanoseconds(1'000'000'000);
    r.uid = "C" + std::to_string(number);
    r.id = {*Address::parse("10.0.0.1"), 40000, *Address::parse("10.0.0.2"), 25};
    r.trans_depth = number;
    return r;
}

Weird weird() {
    return {from_nanoseconds(0), "C1", record().id, "name", "", "SMTP"};
}

Options file_options(const Directory& directory, Format format = Format::json) {
    SinkOptions sink;
    sink.type = SinkType::file;
    sink.format = format;
    sink.directory = directory.path;
    Options options;
    options.sinks = {sink};
    return options;
}

}  // namespace

TEST_CASE("a file is created when there is something to write", "[log]") {
    const Directory d;
    Output output(file_options(d));
    CHECK(fs::is_empty(d.path));
    output.smtp(record());
    output.flush();
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 1);
    CHECK(!fs::exists(d.file("weird.log")));
    output.weird(weird());
    output.flush();
    CHECK(lines_of(text_of(d.file("weird.log"))) == 1);

    struct stat status {};
    REQUIRE(::stat(d.file("smtp.log").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
    REQUIRE(output.status().size() == 1);
    CHECK(output.status()[0].name == d.path);
    CHECK(output.status()[0].written == 2);
    CHECK(output.status()[0].dropped == 0);
}

TEST_CASE("a sink takes the streams that it names", "[log]") {
    const Directory d;
    Options options = file_options(d);
    options.sinks[0].streams = {"weird"};
    {
        Output output(options);
        output.smtp(record());
        output.weird(weird());
    }
    CHECK(!fs::exists(d.file("smtp.log")));
    CHECK(fs::exists(d.file("weird.log")));
}

TEST_CASE("records are appended, or replace those of an earlier run", "[log]") {
    const Directory d;
    Options options = file_options(d);
    { Output(options).smtp(record(1)); }
    { Output(options).smtp(record(2)); }
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 2);
    { Output(options).weird(weird()); }
    options.sinks[0].replace = true;
    { Output(options).smtp(record(3)); }
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 1);
    CHECK(!fs::exists(d.file("weird.log")));
}

TEST_CASE("a line that a crash has cut off is ended first", "[log]") {
    const Directory d;
    std::ofstream(d.file("smtp.log")) << "{\"ts\":1.0,\"uid\":\"C0\",\"subj";
    { Output(file_options(d)).smtp(record()); }
    const std::string text = text_of(d.file("smtp.log"));
    CHECK(text.find("\"subj\n{\"ts\":1.0,\"uid\":\"C1\"") != std::string::npos);
}

TEST_CASE("a TSV file has a header and an end", "[log]") {
    const Directory d;
    {
        Output output(file_options(d, Format::tsv));
        output.smtp(record(1));
        output.smtp(record(2));
    }
    const std::string text = text_of(d.file("smtp.log"));
    CHECK(text.starts_with("#separator \\x09\n"));
    CHECK(lines_of(text) == 8 + 2 + 1);
    CHECK(text.substr(text.rfind('\n', text.size() - 2) + 1).starts_with("#close\t"));
}

TEST_CASE("reopening begins a new file after the old one was moved", "[log]") {
    const Directory d;
    Output output(file_options(d));
    output.smtp(record(1));
    output.flush();
    fs::rename(d.file("smtp.log"), d.file("moved"));
    output.smtp(record(2));
    output.flush();
    CHECK(!fs::exists(d.file("smtp.log")));
    output.smtp(record(3));
    output.reopen();
    output.smtp(record(4));
    output.flush();
    CHECK(lines_of(text_of(d.file("moved"))) == 3);
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 1);
}

TEST_CASE("a file that is deleted is begun anew, and without its directory records count as lost", "[log]") {
    const Directory d;
    const std::string folder = d.file("logs");
    fs::create_directory(folder);
    Options options = file_options(d);
    options.sinks[0].directory = folder;
    Output output(options);
    output.smtp(record(1));
    output.flush();
    fs::remove(folder + "/smtp.log");
    output.smtp(record(2));
    output.flush();
    CHECK(lines_of(text_of(folder + "/smtp.log")) == 1);

    fs::remove_all(folder);
    output.smtp(record(3));
    output.flush();
    CHECK(output.status()[0].dropped == 1);
    CHECK(output.status()[0].last_error == "cannot open " + folder + "/smtp.log: No such file or directory.");

    fs::create_directory(folder);
    output.smtp(record(4));
    output.flush();
    CHECK(lines_of(text_of(folder + "/smtp.log")) == 1);
    CHECK(output.status()[0].written == 3);
}

TEST_CASE("a file has one format: one of another is set aside", "[log]") {
    const Directory d;
    auto output = std::make_unique<Output>(file_options(d, Format::json));
    std::size_t changes = 0;
    output->smtp(record(1));
    for (const Format format : {Format::tsv, Format::brief, Format::json}) {
        auto next = std::make_unique<Output>(file_options(d, format));
        next->succeed(*output);
        output = std::move(next);
        output->smtp(record(1));
        output->flush();
        CHECK(old_files(d.path, "smtp").size() == ++changes);
        REQUIRE(output->status().size() == 1);
        CHECK(output->status()[0].written == changes + 1);  // the counts are those of the directory
    }
    // A new start with the same format goes on with the file.
    output.reset();
    { Output(file_options(d, Format::json)).smtp(record(2)); }
    const auto old = old_files(d.path, "smtp");
    REQUIRE(old.size() == 3);
    CHECK(text_of(old[0]).starts_with("{\"ts\""));
    CHECK(lines_of(text_of(old[0])) == 1);
    CHECK(text_of(old[1]).starts_with("#separator"));
    CHECK(lines_of(text_of(old[1])) == 8 + 1 + 1);
    CHECK(text_of(old[2]).starts_with("1970-01-01"));
    CHECK(lines_of(text_of(old[2])) == 1);
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 2);

    // What is not ours stays where it is.
    std::ofstream(d.file("weird.log")) << "a note\n";
    { Output(file_options(d, Format::json)).weird(weird()); }
    CHECK(lines_of(text_of(d.file("weird.log"))) == 2);
}

TEST_CASE("a directory that cannot be written is an error at the start", "[log]") {
    Options options;
    options.sinks.resize(1);
    options.sinks[0].type = SinkType::file;
    for (const char* directory : {"/nonexistent/x", "/etc/passwd"}) {
        options.sinks[0].directory = directory;
        CHECK_THROWS_AS(Output(options), std::runtime_error);
    }
}

TEST_CASE("files are rotated by size, between lines, and the oldest go", "[log]") {
    const Directory d;
    for (const Format format : {Format::json, Format::tsv}) {
        Options options = file_options(d, format);
        options.sinks[0].rotate = {2000, Duration{}, 3, false};
        {
            Output output(options);
            for (std::uint64_t i = 0; i < 200; ++i) output.smtp(record(i));
            output.flush();
            CHECK(output.status()[0].written == 200);
            CHECK(output.status()[0].dropped == 0);
            CHECK(eventually([&] { return old_files(d.path, "smtp").size() == 3; }));
        }
        std::vector<std::string> files = old_files(d.path, "smtp");
        files.push_back(d.file("smtp.log"));
        std::uint64_t last = 0;
        for (const std::string& file : files) {
            const std::string text = text_of(file);
            CHECK(text.size() <= 2000 + (format == Format::tsv ? 30 : 0));  // and the #close
            CHECK(text.back() == '\n');
            // The order of the names is that of the records.
            const std::string mark = format == Format::json ? "\"uid\":\"C" : "\tC";
            for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
                const std::uint64_t number = std::stoull(text.substr(at + mark.size()));
                CHECK((last == 0 || number == last + 1));
                last = number;
            }
        }
        CHECK(last == 199);
        for (const std::string& file : files) fs::remove(file);
    }
}

TEST_CASE("a record larger than a file may be has a file to itself", "[log]") {
    const Directory d;
    Options options = file_options(d);
    options.sinks[0].rotate.size = 100;
    options.sinks[0].rotate.keep = 0;
    {
        Output output(options);
        for (std::uint64_t i = 0; i < 5; ++i) output.smtp(record(i));
    }
    CHECK(old_files(d.path, "smtp").size() == 4);
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 1);
}

TEST_CASE("files are rotated by age", "[log]") {
    const Directory d;
    Options options = file_options(d);
    options.sinks[0].rotate.age = std::chrono::milliseconds(100);
    const auto begun = std::chrono::steady_clock::now();
    Output output(options);
    std::uint64_t written = 0;
    CHECK(eventually([&] {
        output.smtp(record(++written));
        output.flush();
        return !old_files(d.path, "smtp").empty();
    }));
    // The file system's clock is a tick behind.
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(80));
    REQUIRE(old_files(d.path, "smtp").size() == 1);
    CHECK(lines_of(text_of(old_files(d.path, "smtp")[0])) == written - 1);
    CHECK(lines_of(text_of(d.file("smtp.log"))) == 1);
}

TEST_CASE("old files are compressed, those of an earlier run too", "[log]") {
    const Directory d;
    std::string earlier;
    for (int i = 0; i < 20000; ++i) earlier += "line " + std::to_string(i * 7919 % 10007) + "\n";
    std::ofstream(d.file("smtp-20200101T000000Z.log")) << earlier;
    std::ofstream(d.file("smtp-notes.log")) << "not ours";
    Options options = file_options(d);
    options.sinks[0].rotate = {1000, Duration{}, 0, true};
    Output output(options);
    for (std::uint64_t i = 0; i < 20; ++i) output.smtp(record(i));
    output.flush();
    CHECK(eventually([&] {
        const auto files = old_files(d.path, "smtp");
        return files.size() > 1 && std::all_of(files.begin(), files.end(), [](auto& f) { return f.ends_with(".gz"); });
    }));
    CHECK(unzipped(d.file("smtp-20200101T000000Z.log.gz")) == earlier);
    std::size_t lines = lines_of(text_of(d.file("smtp.log")));
    for (const std::string& file : old_files(d.path, "smtp"))
        if (file.find("2020") == std::string::npos) lines += lines_of(unzipped(file));
    CHECK(lines == 20);
    CHECK(text_of(d.file("smtp-notes.log")) == "not ours");
}

TEST_CASE("a file that somebody else compresses is left to him, what a crash has left is not", "[log]") {
    const Directory d;
    const std::string path = d.file("smtp-20200101T000000.000000Z.log");
    std::ofstream(path) << "line\n";
    std::ofstream(path + ".gz.tmp") << std::string(1000, 'x');
    const int other = ::open((path + ".gz.tmp").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(::flock(other, LOCK_EX) == 0);
    CHECK(gzip_file(path, {}).empty());
    CHECK(text_of(path) == "line\n");
    CHECK(text_of(path + ".gz.tmp") == std::string(1000, 'x'));
    ::close(other);
    CHECK(gzip_file(path, {}).empty());
    CHECK(!fs::exists(path));
    CHECK(!fs::exists(path + ".gz.tmp"));
    CHECK(unzipped(path + ".gz") == "line\n");

    // Stopped half-way, and not possible.
    std::ofstream(path) << "again\n";
    std::stop_source stopped;
    stopped.request_stop();
    CHECK(gzip_file(path, stopped.get_token()).empty());
    CHECK(text_of(path) == "again\n");
    CHECK(gzip_file(d.path, {}) == "cannot compress " + d.path + ": Is a directory.");
}

TEST_CASE("a full disk costs whole records, is counted, and is tried again", "[log]") {
    const Directory d;
    set_level(Level::error);  // the warning is expected
    Output output(file_options(d));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{1000, before.rlim_max};  // write(2) stops there, in the middle of a record
    ::setrlimit(RLIMIT_FSIZE, &full);
    for (std::uint64_t i = 0; i < 100; ++i) output.smtp(record(i));
    output.flush();
    ::setrlimit(RLIMIT_FSIZE, &before);

    const std::string cut = text_of(d.file("smtp.log"));
    SinkStatus status = output.status()[0];
    CHECK(cut.size() < 1000);
    CHECK(cut.back() == '\n');
    CHECK(status.written == lines_of(cut));
    CHECK(status.written + status.dropped == 100);
    CHECK(status.dropped > 0);
    CHECK(status.last_error.find("cannot write to " + d.file("smtp.log")) == 0);

    output.smtp(record(100));
    output.flush();
    status = output.status()[0];
    CHECK(status.written == lines_of(text_of(d.file("smtp.log"))));
    CHECK(status.written + status.dropped == 101);
    CHECK(status.last_error.empty());
    CHECK(status.last_loss.find("cannot write to " + d.file("smtp.log")) == 0);
    std::signal(SIGXFSZ, old_handler);
    set_level(Level::info);
}

TEST_CASE("several threads write whole lines", "[log]") {
    const Directory d;
    {
        Output output(file_options(d));
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&output] {
                for (std::uint64_t i = 0; i < 500; ++i) output.smtp(record(i));
                output.flush();
            });
    }
    std::istringstream lines(text_of(d.file("smtp.log")));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        if (!line.starts_with("{\"ts\":1.0,\"uid\":\"C") || !line.ends_with("}")) FAIL(line);
    CHECK(count == 2000);
}

TEST_CASE("each sink gets its form of the record, and no other's", "[log]") {
    const Directory json, tsv, brief;
    Options options = file_options(json);
    options.sinks.push_back(file_options(tsv, Format::tsv).sinks[0]);
    options.sinks.push_back(file_options(brief, Format::brief).sinks[0]);
    {
        Output output(options);
        Output other(file_options(json));
        for (std::uint64_t i = 0; i < 3; ++i) output.smtp(record(i));
    }
    CHECK(lines_of(text_of(json.file("smtp.log"))) == 3);
    CHECK(lines_of(text_of(tsv.file("smtp.log"))) == 8 + 3 + 1);
    CHECK(text_of(brief.file("smtp.log")).starts_with("1970-01-01T00:00:01.000000Z 10.0.0.1:40000 -> 10.0.0.2:25 "));
    CHECK(lines_of(text_of(brief.file("smtp.log"))) == 3);
}

namespace {

/// Runs `act` with descriptor `fd` on a file, and returns what it wrote there.
template <class Act>
std::string written_to(int fd, Act act) {
    const Directory d;
    std::fflush(nullptr);
    const int saved = ::dup(fd);
    const int file = ::open(d.file("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(file, fd);
    ::close(file);
    act();
    ::dup2(saved, fd);
    ::close(saved);
    return text_of(d.file("out"));
}

}  // namespace

TEST_CASE("standard output has the smtp stream", "[log]") {
    Options options;
    options.sinks.resize(1);
    const auto write = [&] {
        Output output(options);
        output.weird(weird());
        output.smtp(record());
    };
    CHECK(lines_of(written_to(STDOUT_FILENO, write)) == 1);
    options.sinks[0].format = Format::tsv;
    const std::string tsv = written_to(STDOUT_FILENO, write);
    CHECK(tsv.starts_with("#separator"));
    CHECK(lines_of(tsv) == 8 + 1 + 1);
}

TEST_CASE("messages have their level and no control characters", "[log]") {
    CHECK(written_to(STDERR_FILENO, [] { message(Level::warning, "a\nsmtpscope: error: forged"); }) ==
          "smtpscope: warning: a\\x0asmtpscope: error: forged\n");
    CHECK(written_to(STDERR_FILENO, [] { message(Level::debug, "unseen"); }).empty());
    set_level(Level::debug);
    CHECK(written_to(STDERR_FILENO, [] { message(Level::debug, "seen"); }) == "smtpscope: debug: seen\n");
    set_level(Level::info);
}
