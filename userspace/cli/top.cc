// SPDX-License-Identifier: BSD-3-Clause
#include "cli/top.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "agent/control_socket.h"
#include "agent/flows.h"
#include "cli/options.h"
#include "cli/top_frame.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope top [--interval SECONDS] [--count NUMBER] [-c FILE] [--set KEY=VALUE]...

Shows the sessions that the running agent follows, those through which most bytes go first, and what the kernel programs
do, until Ctrl-C. Exit status 1 if no agent answers.

      --interval SECONDS   between two pictures (2)
      --count NUMBER       ends after so many; the first has no rates
)";

constexpr std::size_t flows_asked_for = 1000;
constexpr std::size_t rows_without_terminal = 20;
constexpr std::size_t rows_of_heading = 3;  // and the line of the cursor
constexpr std::string_view home_and_clear = "\x1b[H\x1b[J";

std::size_t rows_of_terminal() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row <= rows_of_heading) return rows_without_terminal;
    return size.ws_row - rows_of_heading;
}

}  // namespace

int run_top(int argc, char** argv) {
    std::uint64_t interval = 2, count = 0;
    const std::vector<Option> options = {
        {0, "interval", "SECONDS", [&](const std::string& value) { interval = number("--interval", value, 1, 3600); }},
        {0, "count", "NUMBER", [&](const std::string& value) { count = number("--count", value, 1, 1'000'000); }}};
    const auto arguments = parse(argc, argv, usage, Configurable::yes, options);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    const std::string path = arguments->load_config().control_socket;
    const std::string request = "flows lines " + std::to_string(flows_asked_for);
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    agent::FlowList before = agent::from_lines(agent::ask(path, request)), now = before;
    for (std::uint64_t shown = 1;; ++shown) {
        print((terminal ? std::string(home_and_clear) : std::string()) + top_frame(before, now, rows_of_terminal()));
        if (shown == count) return exit_done;
        std::this_thread::sleep_for(std::chrono::seconds(interval));
        before = std::move(now);
        now = agent::from_lines(agent::ask(path, request));
    }
}

}  // namespace smtpscope::cli
