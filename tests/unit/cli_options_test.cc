// SPDX-License-Identifier: BSD-3-Clause
// Command lines: every form in which an option can be written, and the messages about wrong ones.
#include "cli/options.h"

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "catch.h"

using namespace smtpscope::cli;

namespace {

using Words = std::vector<std::string>;

/// What came of the words behind a subcommand's name: the options in the order in which they were set, then the shared
/// ones and the operands, each in brackets; `help`; or what is wrong.
std::string outcome(Words words, Configurable configurable = Configurable::yes) {
    std::string all;
    const auto note = [&](const std::string& name) {
        return [&all, name](const std::string& value) { all += name + "[" + value + "]"; };
    };
    const auto refuse = [](const std::string& value) { throw UsageError("--strict " + value + ": not so."); };
    const std::vector<Option> options = {{'v', "verbose", nullptr, note("verbose")},
                                         {'n', "number", "NUMBER", note("number")},
                                         {0, "name", "NAME", note("name")},
                                         {0, "numb", nullptr, note("numb")},
                                         {0, "strict", "WHAT", refuse}};
    words.insert(words.begin(), "subcommand");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    try {
        const auto arguments =
            parse(static_cast<int>(words.size()), argv.data(), "usage: subcommand\n", configurable, options);
        if (!arguments) return all + "help";
        if (!arguments->config.empty()) all += "config[" + arguments->config + "]";
        for (const std::string& text : arguments->overrides) all += "set[" + text + "]";
        for (const std::string& text : arguments->operands) all += "operand[" + text + "]";
    } catch (const UsageError& e) {
        return e.what();
    }
    return all;
}

/// What `act` writes to standard output.
std::string printed(const std::function<void()>& act) {
    char name[] = "/tmp/smtpscope-printed-XXXXXX";
    const int file = mkstemp(name);
    REQUIRE(file >= 0);
    std::fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    dup2(file, STDOUT_FILENO);
    act();
    std::fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    std::string text(std::filesystem::file_size(name), '\0');
    CHECK(pread(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    close(file);
    unlink(name);
    return text;
}

}  // namespace

TEST_CASE("options in every form", "[cli]") {
    const struct {
        Words words;
        std::string outcome;
    } rows[] = {
        {{}, ""},
        {{"-v"}, "verbose[]"},
        {{"--verbose"}, "verbose[]"},
        {{"--v"}, "verbose[]"},
        {{"-v", "-v"}, "verbose[]verbose[]"},
        {{"-vvn5"}, "verbose[]verbose[]number[5]"},
        {{"-n", "5"}, "number[5]"},
        {{"-n5"}, "number[5]"},
        {{"-n=5"}, "number[=5]"},
        {{"--number", "5"}, "number[5]"},
        {{"--number=5"}, "number[5]"},
        {{"--numbe=5"}, "number[5]"},
        {{"--numb"}, "numb[]"},  // a whole name, though another one begins so
        {{"--na", "x"}, "name[x]"},
        {{"--name=a=b"}, "name[a=b]"},
        {{"--number="}, "number[]"},
        {{"-n", ""}, "number[]"},
        {{"-n", "-v"}, "number[-v]"},
        {{"--name", "--"}, "name[--]"},
        {{"-c", "F"}, "config[F]"},
        {{"-cF"}, "config[F]"},
        {{"--config=F"}, "config[F]"},
        {{"--c", "F"}, "config[F]"},
        {{"-c", "F", "-c", "G"}, "config[G]"},  // the last one counts
        {{"--set", "b=1", "--set=a=2"}, "set[b=1]set[a=2]"},
        {{"a", "b"}, "operand[a]operand[b]"},
        {{"a", "-v", "b"}, "verbose[]operand[a]operand[b]"},
        {{"a", "-n", "5", "-c", "F"}, "number[5]config[F]operand[a]"},
        {{"--", "-v", "a"}, "operand[-v]operand[a]"},
        {{"a", "--", "--nope"}, "operand[a]operand[--nope]"},
        {{"-"}, "operand[-]"},
        {{""}, "operand[]"},
    };
    for (const auto& row : rows) {
        INFO(row.outcome);
        CHECK(outcome(row.words) == row.outcome);
    }
}

TEST_CASE("options that are wrong", "[cli]") {
    const struct {
        Words words;
        std::string complaint;
    } rows[] = {
        {{"-x"}, "there is no option -x."},
        {{"-vx"}, "there is no option -x."},
        {{"-:"}, "there is no option -:."},
        {{"-\xfc"}, "there is no option -\xfc."},
        {{"--nope"}, "there is no option --nope."},
        {{"--nope=1"}, "there is no option --nope=1."},
        {{"--Verbose"}, "there is no option --Verbose."},
        {{"--verboser"}, "there is no option --verboser."},
        {{"a", "--nope", "b"}, "there is no option --nope."},
        {{"--nu"}, "option --nu is ambiguous: --number, --numb."},
        {{"--n=5"}, "option --n is ambiguous: --number, --name, --numb."},
        {{"a", "--n"}, "option --n is ambiguous: --number, --name, --numb."},
        {{"--verbose=1"}, "option --verbose takes no argument."},
        {{"--verb=1"}, "option --verbose takes no argument."},
        {{"--verbose="}, "option --verbose takes no argument."},
        {{"--help=1"}, "option --help takes no argument."},
        {{"-n"}, "option -n needs an argument: NUMBER."},
        {{"-vn"}, "option -n needs an argument: NUMBER."},
        {{"--name"}, "option --name needs an argument: NAME."},
        {{"--na"}, "option --na needs an argument: NAME."},
        {{"a", "--name"}, "option --name needs an argument: NAME."},
        {{"-c"}, "option -c needs an argument: FILE."},
        {{"--config"}, "option --config needs an argument: FILE."},
        {{"--set"}, "option --set needs an argument: KEY=VALUE."},
        {{"--strict", "x"}, "--strict x: not so."},
    };
    for (const auto& row : rows) {
        INFO(row.complaint);
        CHECK(outcome(row.words) == row.complaint);
        CHECK(outcome({"-v"}) == "verbose[]");  // nothing is left of it
    }
}

TEST_CASE("a subcommand that reads no configuration has no options for it", "[cli]") {
    CHECK(outcome({"-v"}, Configurable::no) == "verbose[]");
    CHECK(outcome({"-c", "F"}, Configurable::no) == "there is no option -c.");
    CHECK(outcome({"--config=F"}, Configurable::no) == "there is no option --config=F.");
    CHECK(outcome({"--set", "a=b"}, Configurable::no) == "there is no option --set.");
}

TEST_CASE("help ends the command line", "[cli]") {
    std::string result;
    const std::string all = printed([&] { result = outcome({"-v", "--he", "--nope"}); });
    CHECK(result == "verbose[]help");
    CHECK(all.starts_with("usage: subcommand\n"));
    CHECK(all.find("\n  -c, --config FILE ") != all.npos);
    CHECK(all.find("\n      --set KEY=VALUE ") != all.npos);
    CHECK(all.find("\n  -h, --help ") != all.npos);
    const std::string without = printed([&] { result = outcome({"-h"}, Configurable::no); });
    CHECK(result == "help");
    CHECK(without.find("--config") == without.npos);
    CHECK(without.find("\n  -h, --help ") != without.npos);
}

TEST_CASE("operands where none belong", "[cli]") {
    Arguments arguments;
    CHECK_NOTHROW(expect_no_operands(arguments));
    arguments.operands = {"eth0", "eth1"};
    CHECK_THROWS_WITH(expect_no_operands(arguments),
                      "\"eth0\" is not expected here; this subcommand takes options only.");
}

TEST_CASE("numbers of options", "[cli]") {
    const auto complaint = [](const std::string& value) -> std::string {
        try {
            return std::to_string(number("--limit", value, 1, 100));
        } catch (const UsageError& e) {
            return e.what();
        }
    };
    CHECK(complaint("1") == "1");
    CHECK(complaint("100") == "100");
    CHECK(complaint("007") == "7");
    for (const char* wrong : {"", "0", "101", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0", "18446744073709551617"}) {
        INFO(wrong);
        CHECK(complaint(wrong) == "--limit takes a whole number from 1 to 100, not \"" + std::string(wrong) + "\".");
    }
    CHECK(number("--all", "18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
}

TEST_CASE("what cannot be written is an error", "[cli]") {
    CHECK(printed([] { print("text\n"); }) == "text\n");
    std::fflush(stdout);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC), saved = dup(STDOUT_FILENO);
    REQUIRE(full >= 0);
    dup2(full, STDOUT_FILENO);
    std::string complaint;
    try {
        print("text\n");
    } catch (const std::runtime_error& e) {
        complaint = e.what();
    }
    __fpurge(stdout);
    dup2(saved, STDOUT_FILENO);
    std::clearerr(stdout);
    close(saved);
    close(full);
    CHECK(complaint == "standard output cannot be written to");
}
