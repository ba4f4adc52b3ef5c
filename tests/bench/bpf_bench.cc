// SPDX-License-Identifier: BSD-3-Clause
// Nanoseconds per packet of each kernel program by kind of packet, beside the numbers that the design asks for. Each
// figure is the median of several runs of BPF_PROG_TEST_RUN; an empty program of the same type is the floor.
#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "../bpf/runner.h"

using namespace smtpscope;
using namespace smtpscope::test;
using capture::Program;

namespace {

constexpr unsigned rounds = 15;
constexpr unsigned runs_without_copy = 400'000;
constexpr std::uint64_t ring_size = std::uint64_t{16} << 20;
constexpr unsigned runs_with_copy = 9'000;  // what the ring holds of the largest class

enum class Copies { no, yes };

struct Kind {
    const char* name;
    Spec spec;
    Copies copies = Copies::no;
    const char* goal = "";
    bool ignored = false;
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all = {
        {"ARP", {.ethertype = 0x0806}, Copies::no, "+5"},
        {"UDP", {.protocol = 17, .payload = 64}, Copies::no, "+5"},
        {"TCP 443", {.destination = 443, .payload = 1460}, Copies::no, "+5"},
        {"TCP 443, IPv6", {.version = 6, .destination = 443, .payload = 1440}, Copies::no, "+5"},
        {"TCP 443, VLAN", {.vlan = {0x8100}, .destination = 443, .payload = 1456}, Copies::no, "+5"},
        {"UDP, IPv6, ext. header", {.version = 6, .extensions = {{60}}, .protocol = 17}, Copies::no, "+5"},
        {"mail, pure ACK", {.flags = ack, .tcp_options = 12}},
        {"mail, ignored flow", {.payload = 1460}, Copies::no, "+25", true},
        {"mail, ignored flow, IPv6", {.version = 6, .payload = 1440}, Copies::no, "+25", true},
        {"mail, 100 bytes", {.payload = 46}, Copies::yes},
        {"mail, 400 bytes", {.payload = 346}, Copies::yes},
        {"mail, 1,514 bytes", {.payload = 1460}, Copies::yes, "170"},
        {"mail, 1,514 bytes, IPv6", {.version = 6, .payload = 1440}, Copies::yes, "170"},
    };
    return all;
}

int load_empty(bpf_prog_type type) {
    std::array<bpf_insn, 2> code{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    code[0].imm = type == BPF_PROG_TYPE_XDP ? XDP_PASS : -1;
    code[1].code = BPF_JMP | BPF_EXIT;
    const int fd = bpf_prog_load(type, "empty", "GPL", code.data(), code.size(), nullptr);
    if (fd < 0) throw std::runtime_error(std::string("cannot load an empty program: ") + std::strerror(errno));
    return fd;
}

template <typename Measure>
std::uint32_t median(Measure measure) {
    std::array<std::uint32_t, rounds> values{};
    for (std::uint32_t& value : values) value = measure();
    std::nth_element(values.begin(), values.begin() + rounds / 2, values.end());
    return values[rounds / 2];
}

std::uint32_t measure(Runner& runner, Program program, const Kind& kind) {
    const Frame frame = build(kind.spec);
    const unsigned repeat = kind.copies == Copies::yes ? runs_with_copy : runs_without_copy;
    if (kind.ignored) {
        smtpscope_flow flow{};
        flow.ends = ends_of(kind.spec);
        flow.verdict[0] = flow.verdict[1] = SMTPSCOPE_IGNORE;
        runner.programs().set_flow(flow);
    }
    const std::uint64_t lost = runner.programs().counters(0).packets[SMTPSCOPE_LOST_RING_FULL];
    const std::uint32_t ns = median([&] { return runner.time(program, frame, repeat); });
    if (runner.programs().counters(0).packets[SMTPSCOPE_LOST_RING_FULL] != lost)
        throw std::runtime_error("the ring was full while it was measured");
    if (kind.ignored) runner.programs().remove_flow(ends_of(kind.spec));
    return ns;
}

/// Of the kinds whose name contains `wanted`.
void report(Program program, const char* name, bpf_prog_type type, const std::string& wanted) {
    Runner runner(ring_size);
    if (!runner.has(program)) return;
    const int empty = load_empty(type);
    const std::uint32_t floor = median([&] { return test_run(empty, build({.payload = 1460}), 400'000).nanoseconds; });
    std::printf("\n%-28s %8s %8s %8s\n%-28s %8u\n", name, "ns", "over", "goal", "empty program", floor);
    for (const Kind& kind : kinds()) {
        if (std::string(kind.name).find(wanted) == std::string::npos) continue;
        const std::uint32_t ns = measure(runner, program, kind);
        std::printf("%-28s %8u %+8d %8s\n", kind.name, ns, static_cast<int>(ns) - static_cast<int>(floor), kind.goal);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string wanted = argc > 1 ? argv[1] : "";
    try {
        report(Program::xdp, "XDP", BPF_PROG_TYPE_XDP, wanted);
        report(Program::xdp_frags, "XDP, packets in fragments", BPF_PROG_TYPE_XDP, wanted);
        report(Program::tc_ingress, "TC ingress", BPF_PROG_TYPE_SCHED_CLS, wanted);
        report(Program::tc_egress, "TC egress", BPF_PROG_TYPE_SCHED_CLS, wanted);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
