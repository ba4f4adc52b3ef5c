// SPDX-License-Identifier: BSD-3-Clause
#include "runner.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace smtpscope::test {
namespace {

capture::Options options(std::uint64_t ring_size, unsigned shards, std::uint64_t wake_watermark) {
    capture::Options o;
    o.ring_size = ring_size;
    o.shards = shards;
    o.wake_watermark = wake_watermark;
    return o;
}

}  // namespace

TestRun test_run(int program, const Frame& frame, unsigned repeat) {
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = static_cast<int>(repeat));
    if (bpf_prog_test_run_opts(program, &options) != 0)
        throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(errno));
    return {options.retval, options.duration};
}

std::vector<capture::Kept> copies(const capture::Programs& programs) {
    std::vector<capture::Kept> all = programs.kept();
    for (capture::Kept& kept : all) kept.fd = dup(kept.fd);
    return all;
}

std::size_t records_in(capture::Programs& programs) {
    capture::Ring ring(programs.ring_fd(0), programs.ring_size(), &programs.reader(0).need_wake);
    std::size_t count = 0;
    while (ring.fill() > 0) count += ring.consume([](std::span<const std::byte>) {});
    return count;
}

std::uint32_t passing_verdict(capture::Program program) {
    const bool xdp = program == capture::Program::xdp || program == capture::Program::xdp_frags;
    return xdp ? std::uint32_t{XDP_PASS} : static_cast<std::uint32_t>(TC_ACT_UNSPEC);
}

Runner::Runner(std::uint64_t ring_size, unsigned shards, std::uint64_t wake_watermark)
    : programs_(options(ring_size, shards, wake_watermark)) {
    for (unsigned i = 0; i < programs_.shards(); ++i)
        rings_.push_back(std::make_unique<capture::Ring>(programs_.ring_fd(i), programs_.ring_size(),
                                                         &programs_.reader(i).need_wake));
}

std::size_t Runner::ring_of(capture::Program program, const Frame& frame) {
    test_run(programs_.fd(program), frame, 1);
    for (std::size_t i = 0; i < rings_.size(); ++i)
        if (rings_[i]->consume([](std::span<const std::byte>) {}) != 0) return i;
    return rings_.size();
}

Outcome Runner::run(capture::Program program, const Frame& frame, unsigned repeat) {
    const smtpscope_counters before = programs_.counters(0);
    Outcome outcome;
    outcome.verdict = test_run(programs_.fd(program), frame, repeat).verdict;
    const smtpscope_counters after = programs_.counters(0);
    for (std::size_t cause = 0; cause < SMTPSCOPE_CAUSE_COUNT; ++cause) {
        outcome.packets[cause] = after.packets[cause] - before.packets[cause];
        outcome.bytes[cause] = after.bytes[cause] - before.bytes[cause];
    }
    outcome.wakeups = after.wakeups - before.wakeups;
    while (ring().fill() > 0)
        ring().consume([&](std::span<const std::byte> bytes) {
            Record record{};
            std::memcpy(&record.header, bytes.data(), sizeof(record.header));
            bytes = bytes.subspan(sizeof(record.header));
            if (record.header.captured > bytes.size()) throw std::runtime_error("a record overruns its reservation");
            const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
            record.bytes.assign(data, data + record.header.captured);
            outcome.records.push_back(std::move(record));
        });
    return outcome;
}

void Runner::drain() {
    while (ring().fill() > 0) ring().consume([](std::span<const std::byte>) {});
}

std::uint32_t Runner::time(capture::Program program, const Frame& frame, unsigned repeat) {
    const std::uint32_t ns = test_run(programs_.fd(program), frame, repeat).nanoseconds;
    drain();
    return ns;
}

}  // namespace smtpscope::test
