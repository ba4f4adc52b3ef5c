// SPDX-License-Identifier: BSD-3-Clause
#include "capture/records.h"

#include <algorithm>
#include <ctime>

namespace smtpscope::capture {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t now(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<std::int64_t>(t.tv_sec) * second + t.tv_nsec;
}

}  // namespace

void WallClock::measure() {
    const std::int64_t before = now(CLOCK_MONOTONIC);
    const std::int64_t wall = now(CLOCK_REALTIME);
    const std::int64_t after = now(CLOCK_MONOTONIC);
    offset_ = wall - (before + (after - before) / 2);
    measured_at_ = after;
}

void WallClock::refresh() {
    if (now(CLOCK_MONOTONIC_COARSE) - measured_at_ >= second) measure();
}

bool RecordReader::place_piece(const smtpscope_record& record, Packet& packet) {
    const std::size_t cpu = record.packet_id >> 48;
    packet.more_pieces = (record.flags & SMTPSCOPE_MORE) != 0;
    if (cpu >= unfinished_.size()) unfinished_.resize(cpu + 1);
    Unfinished& unfinished = unfinished_[cpu];
    if (record.offset == 0) {
        const auto headers = packet.data.first(std::min<std::size_t>(record.headers, packet.data.size()));
        unfinished.packet_id = record.packet_id;
        unfinished.headers.assign(headers.begin(), headers.end());
        return true;
    }
    if (unfinished.packet_id != record.packet_id) return false;
    packet.offset = record.offset;
    packet.headers = unfinished.headers;
    return true;
}

}  // namespace smtpscope::capture
