// SPDX-License-Identifier: BSD-3-Clause
#include "cli/read_progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace smtpscope::cli {
namespace {

constexpr std::uint64_t long_file = std::uint64_t{32} << 20;  // a shorter one is read too fast for a bar
constexpr std::size_t width = 30;

}  // namespace

Progress::Progress(const std::string& name, const CaptureFile& file)
    : name_(name),
      file_(file),
      wanted_(file.bytes_total() >= long_file && ::isatty(STDERR_FILENO) == 1 && ::isatty(STDOUT_FILENO) != 1) {}

void Progress::update() {
    if (!wanted_ || Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::milliseconds(100);
    draw();
}

void Progress::draw() {
    const std::uint64_t total = file_.bytes_total(), read = std::min(file_.bytes_read(), total);
    std::string bar(width, '.');
    std::fill_n(bar.begin(), static_cast<std::size_t>(read * width / total), '#');
    std::fprintf(stderr, "\r%s [%s] %3d %%\x1b[K", name_.c_str(), bar.c_str(), static_cast<int>(read * 100 / total));
    drawn_ = true;
}

void Progress::clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
}

}  // namespace smtpscope::cli
