// SPDX-License-Identifier: BSD-3-Clause
// Runs one kernel program on one frame, through BPF_PROG_TEST_RUN, and tells what came of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "capture/programs.h"
#include "capture/ring.h"
#include "packets.h"

namespace smtpscope::test {

struct Record {
    smtpscope_record header;
    std::vector<std::uint8_t> bytes;
};

struct Outcome {
    std::uint32_t verdict = 0;  ///< what the program returned
    std::vector<Record> records;
    std::array<std::uint64_t, SMTPSCOPE_CAUSE_COUNT> packets{};  ///< by cause, of this run alone
    std::array<std::uint64_t, SMTPSCOPE_CAUSE_COUNT> bytes{};
    std::uint64_t wakeups = 0;
};

class Runner {
  public:
    explicit Runner(std::uint64_t ring_size = std::uint64_t{1} << 20, unsigned shards = 1,
                    std::uint64_t wake_watermark = 0);

    bool has(capture::Program program) const { return programs_.has(program); }
    Outcome run(capture::Program program, const Frame& frame, unsigned repeat = 1);
    /// Nanoseconds of one run, averaged over `repeat` of them. Leaves the ring empty.
    std::uint32_t time(capture::Program program, const Frame& frame, unsigned repeat);
    /// The ring that a packet goes into. Leaves it empty.
    std::size_t ring_of(capture::Program program, const Frame& frame);
    /// Throws away what is in the first ring.
    void drain();

    capture::Programs& programs() { return programs_; }

  private:
    capture::Ring& ring() { return *rings_.front(); }

    capture::Programs programs_;
    std::vector<std::unique_ptr<capture::Ring>> rings_;
};

/// The same for any program; throws std::runtime_error.
struct TestRun {
    std::uint32_t verdict = 0;
    std::uint32_t nanoseconds = 0;
};
TestRun test_run(int program, const Frame& frame, unsigned repeat);

/// What a process leaves to the next: copies, which outlive it, as the service manager holds them.
std::vector<capture::Kept> copies(const capture::Programs& programs);

/// Reads the first ring until it is empty: how many records there were.
std::size_t records_in(capture::Programs& programs);

/// The verdict of every program.
std::uint32_t passing_verdict(capture::Program program);

}  // namespace smtpscope::test
