// SPDX-License-Identifier: BSD-3-Clause
#include "cli/top.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "agent/control_socket.h"
#include "agent/flows.h"
#include "cli/running_agent.h"
#include "cli/top_frame.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope top [--interval SECONDS] [--count NUMBER] [-c FILE] [--set KEY=VALUE]...

Shows the sessions that the running agent follows, those through which most bytes go first, and what the kernel programs
do, until Ctrl-C: on a terminal as much as it has room for. Exit status 1 if no agent answers, or none any longer.

      --interval SECONDS   between two pictures (2)
      --count NUMBER       ends after so many; the first has no rates
)";

constexpr std::size_t flows_asked_for = 1000;
constexpr Window without_terminal = {22, std::numeric_limits<std::size_t>::max()};
constexpr Window unknown_terminal = {24, 80};
constexpr std::string_view home_and_clear = "\x1b[H\x1b[J";

/// Where the frames go: one below the other, or each in place of the one before.
class Screen {
  public:
    Screen() : terminal_(isatty(STDOUT_FILENO) != 0) {}
    /// Moves the cursor below the last frame.
    ~Screen() {
        if (!terminal_ || !drawn_) return;
        std::fputs("\n", stdout);
        std::fflush(stdout);
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    bool drawn() const { return drawn_; }
    void draw(const agent::FlowList& before, const agent::FlowList& now) {
        const std::string frame = top_frame(before, now, window());
        print(terminal_ ? std::string(home_and_clear) + frame : frame + '\n');
        drawn_ = true;
    }

  private:
    Window window() const {
        if (!terminal_) return without_terminal;
        winsize size{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
            return unknown_terminal;
        return {size.ws_row, size.ws_col};
    }

    bool terminal_;
    bool drawn_ = false;
};

/// The signals that matter here, which come only when they are waited for.
class Signals {
  public:
    Signals() {
        sigemptyset(&set_);
        for (const int signal : {SIGWINCH, SIGINT, SIGTERM}) sigaddset(&set_, signal);
        sigprocmask(SIG_BLOCK, &set_, nullptr);
    }
    /// The next one; 0 if none has come by then.
    int wait_until(std::chrono::steady_clock::time_point end) const {
        const auto left = std::max(std::chrono::nanoseconds(0), end - std::chrono::steady_clock::now());
        const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
        const timespec time{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
        return std::max(0, sigtimedwait(&set_, nullptr, &time));
    }

  private:
    sigset_t set_;
};

/// The agent's answer. After the first frame an error also says that the last one stays.
agent::FlowList ask_for_flows(const std::string& path, const Screen& screen) {
    try {
        return agent::from_lines(agent::ask(path, "flows lines " + std::to_string(flows_asked_for)));
    } catch (const std::exception& e) {
        if (!screen.drawn()) throw;
        throw std::runtime_error(std::string("the picture above is the last one: ") + e.what());
    }
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
    const std::string path = socket_of_agent(*arguments);
    const Signals signals;
    Screen screen;
    agent::FlowList before = ask_for_flows(path, screen), now = before;
    for (std::uint64_t shown = 1;; ++shown) {
        screen.draw(before, now);
        if (shown == count) return exit_done;
        const auto next = std::chrono::steady_clock::now() + std::chrono::seconds(interval);
        while (const int signal = signals.wait_until(next)) {
            if (signal != SIGWINCH) return exit_done;
            screen.draw(before, now);
        }
        before = std::move(now);
        now = ask_for_flows(path, screen);
    }
}

}  // namespace smtpscope::cli
