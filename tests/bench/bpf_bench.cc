// SPDX-License-Identifier: BSD-3-Clause
// Nanoseconds per packet of each kernel program by kind of packet, beside the numbers that the design asks for. Each
// figure is the median of several runs of BPF_PROG_TEST_RUN; an empty program of the same type is the floor. The
// design's numbers are of one machine, where the plain programs took +5, +23 and 162: what they take here tells how
// this one compares.
//
//   bpf-bench PLAIN_OBJECT [PART OF A KIND'S NAME]
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
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
constexpr std::uint64_t cached_ring_size = std::uint64_t{256} << 10;
constexpr std::uint64_t largest_record = 1664;  // bytes in the ring

/// Most of the time goes into cache misses on the ring; with a ring that fits into the cache, only the copy is left.
enum class Copies { no, yes, into_cache };

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
        {"mail, 1,514 bytes, cached ring", {.payload = 1460}, Copies::into_cache, "170"},
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

/// As many as the ring holds.
unsigned runs_with_copy(std::uint64_t ring) {
    return static_cast<unsigned>(ring / largest_record - 1);
}

std::uint32_t measure(Runner& runner, Program program, const Kind& kind) {
    const Frame frame = build(kind.spec);
    const unsigned repeat =
        kind.copies == Copies::no ? runs_without_copy : runs_with_copy(runner.programs().ring_size());
    if (kind.ignored) {
        smtpscope_flow flow{};
        flow.ends = ends_of(kind.spec);
        flow.senders[0].verdict = flow.senders[1].verdict = SMTPSCOPE_IGNORE;
        runner.programs().set_flow(flow);
    }
    const std::uint64_t lost = runner.programs().counters(0).packets[SMTPSCOPE_LOST_RING_FULL];
    const std::uint32_t ns = median([&] { return runner.time(program, frame, repeat); });
    if (runner.programs().counters(0).packets[SMTPSCOPE_LOST_RING_FULL] != lost)
        throw std::runtime_error("the ring was full while it was measured");
    if (kind.ignored) runner.programs().remove_flow(ends_of(kind.spec));
    return ns;
}

/// The programs of plain.bpf.c.
class Plain {
  public:
    explicit Plain(const char* path) : object_(bpf_object__open_file(path, nullptr)) {
        if (!object_ || bpf_object__load(object_) != 0)
            throw std::runtime_error(std::string("cannot load ") + path + ": " + std::strerror(errno));
        const smtpscope_ends key = ends_of({.payload = 1460});
        const std::uint64_t value = 0;
        bpf_map_update_elem(bpf_object__find_map_fd_by_name(object_, "plain_flows"), &key, &value, BPF_ANY);
        ring_.emplace(bpf_object__find_map_fd_by_name(object_, "plain_ring"), ring_size, &need_wake_);
    }
    ~Plain() { bpf_object__close(object_); }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    std::uint32_t time(const char* name, const Spec& packet, unsigned repeat) {
        const int program = bpf_program__fd(bpf_object__find_program_by_name(object_, name));
        const TestRun run = test_run(program, build(packet), repeat);
        if (run.verdict != XDP_PASS) throw std::runtime_error(std::string(name) + " failed while it was measured");
        while (ring_->fill() > 0) ring_->consume([](std::span<const std::byte>) {});
        return run.nanoseconds;
    }

  private:
    bpf_object* object_;
    std::uint32_t need_wake_ = 0;
    std::optional<capture::Ring> ring_;
};

void line(const std::string& name, std::uint32_t ns, std::uint32_t floor, const char* goal) {
    std::printf("%-32s %8u %+8d %8s\n", name.c_str(), ns, static_cast<int>(ns) - static_cast<int>(floor), goal);
}

void report_plain(Plain& plain, std::uint32_t floor) {
    const auto report = [&](const char* text, const char* program, const Spec& packet, unsigned repeat) {
        line(text, median([&] { return plain.time(program, packet, repeat); }), floor, "");
    };
    report("plain test of the ports", "plain_ports", {.destination = 443, .payload = 1460}, runs_without_copy);
    report("plain look-up of a flow", "plain_lookup", {.payload = 1460}, runs_without_copy);
    report("plain copy of 1,514 bytes", "plain_copy", {.payload = 1460}, runs_with_copy(ring_size));
}

/// Of the kinds whose name contains `wanted`.
void report(Program program, const char* name, bpf_prog_type type, const std::string& wanted, Plain* plain = nullptr) {
    Runner runner(ring_size), cached(cached_ring_size);
    if (!runner.has(program)) return;
    const int empty = load_empty(type);
    const std::uint32_t floor = median([&] { return test_run(empty, build({.payload = 1460}), 400'000).nanoseconds; });
    std::printf("\n%-32s %8s %8s %8s\n%-32s %8u\n", name, "ns", "over", "goal", "empty program", floor);
    if (plain) report_plain(*plain, floor);
    for (const Kind& kind : kinds())
        if (std::string(kind.name).find(wanted) != std::string::npos)
            line(kind.name, measure(kind.copies == Copies::into_cache ? cached : runner, program, kind), floor,
                 kind.goal);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s PLAIN_OBJECT [PART OF A KIND'S NAME]\n", argv[0]);
        return 2;
    }
    const std::string wanted = argc > 2 ? argv[2] : "";
    try {
        Plain plain(argv[1]);
        report(Program::xdp, "XDP", BPF_PROG_TYPE_XDP, wanted, &plain);
        report(Program::xdp_frags, "XDP, packets in fragments", BPF_PROG_TYPE_XDP, wanted);
        report(Program::tc_ingress, "TC ingress", BPF_PROG_TYPE_SCHED_CLS, wanted);
        report(Program::tc_egress, "TC egress", BPF_PROG_TYPE_SCHED_CLS, wanted);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
