// SPDX-License-Identifier: BSD-3-Clause
// A live capture and nothing else, for the live checks of the capture room: prints what is attached, then what it
// captured when standard input ends or after a time.
//   tap [-m auto|native|generic|tc] [-r RING_BYTES] [-t SECONDS] [-s MILLISECONDS-BEFORE-READING] INTERFACE...
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include "capture/live.h"

using namespace smtpscope;
using namespace smtpscope::capture;

namespace {

volatile std::sig_atomic_t stopping = 0;

struct Totals {
    std::uint64_t packets = 0, pieces = 0, bytes = 0, wire = 0, orphans = 0;  ///< orphans: later pieces without headers
    std::uint64_t damaged = 0;  ///< payload bytes other than the Z that echo.py sends
    std::uint32_t longest = 0;
};

/// Of the IP and TCP headers at the beginning of a packet without extension headers.
std::size_t header_size(Bytes data) {
    const std::size_t network = data[0] >> 4 == 4 ? std::size_t{data[0] & 0xfu} * 4 : 40;
    return data.size() < network + 20 ? data.size() : network + std::size_t{data[network + 12]} / 16 * 4;
}

void count(Totals& t, const Packet& p) {
    const Bytes payload = p.data.subspan(p.offset == 0 ? std::min(header_size(p.data), p.data.size()) : 0);
    t.damaged += static_cast<std::uint64_t>(
        std::count_if(payload.begin(), payload.end(), [](std::uint8_t byte) { return byte != 'Z'; }));
    t.bytes += p.data.size();
    if (p.offset == 0) {
        ++t.packets;
        t.wire += p.wire_length;
        t.longest = std::max(t.longest, p.wire_length);
    } else {
        ++t.pieces;
        if (p.headers.size() < 40) ++t.orphans;
    }
}

int run(const Options& options, std::chrono::duration<double> time, std::chrono::milliseconds delay) {
    const std::unique_ptr<Capture> capture = open_live(options);
    for (const Attachment& a : capture->attachments())
        std::printf("attached %s %s %s %s\n", a.interface.c_str(), to_string(a.kind), to_string(a.means),
                    a.reason.c_str());
    std::puts("ready");
    std::fflush(stdout);
    std::this_thread::sleep_for(delay);
    Totals totals;
    const auto end = std::chrono::steady_clock::now() + time;
    while (!stopping && std::chrono::steady_clock::now() < end) {
        capture->shard(0).poll(std::chrono::milliseconds(50), [&](const Packet& p) { count(totals, p); });
        try {
            capture->follow_interfaces();
        } catch (const Error& e) {
            std::printf("problem %s\n", e.what());
        }
    }
    for (const Counter& c : capture->counters())
        std::printf("counter %s %llu\n", c.name.c_str(), static_cast<unsigned long long>(c.value));
    std::printf("packets %llu pieces %llu bytes %llu wire %llu orphans %llu damaged %llu longest %u\n",
                static_cast<unsigned long long>(totals.packets), static_cast<unsigned long long>(totals.pieces),
                static_cast<unsigned long long>(totals.bytes), static_cast<unsigned long long>(totals.wire),
                static_cast<unsigned long long>(totals.orphans), static_cast<unsigned long long>(totals.damaged),
                totals.longest);
    for (const Attachment& a : capture->attachments())
        std::printf("still %s %s\n", a.interface.c_str(), to_string(a.kind));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    options.interfaces.clear();
    std::chrono::duration<double> time(3600);
    std::chrono::milliseconds delay(0);
    for (int c; (c = getopt(argc, argv, "m:r:t:s:")) != -1;) {
        if (c == 'm') options.xdp_mode = value_in(xdp_mode_names, optarg).value();
        if (c == 'r') options.ring_size = std::strtoull(optarg, nullptr, 0);
        if (c == 't') time = std::chrono::duration<double>(std::atof(optarg));
        if (c == 's') delay = std::chrono::milliseconds(std::atoi(optarg));
    }
    for (int i = optind; i < argc; ++i) options.interfaces.emplace_back(argv[i]);
    std::signal(SIGTERM, [](int) { stopping = 1; });
    std::signal(SIGINT, [](int) { stopping = 1; });
    try {
        return run(options, time, delay);
    } catch (const Error& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
