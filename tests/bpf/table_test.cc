// SPDX-License-Identifier: BSD-3-Clause
// What each program does with each kind of packet: the specification of the kernel side as a table.
#include <algorithm>
#include <string>

#include "../unit/catch.h"
#include "../unit/skip.h"
#include "runner.h"

using namespace smtpscope;
using namespace smtpscope::test;
using capture::Program;

namespace {

constexpr int not_seen = -1;  ///< no counter moves

struct Row {
    const char* name;
    Spec spec;
    int cause;  ///< enum smtpscope_cause, or not_seen
};

const std::vector<Row>& rows() {
    static const std::vector<Row> all = {
        // Ours: copied whole, from the IP header on.
        {"SYN", {.flags = syn, .tcp_options = 20}, SMTPSCOPE_DELIVERED},
        {"SYN and ACK, from the server", {.flags = syn | ack, .reply = true}, SMTPSCOPE_DELIVERED},
        {"a command", {.payload = 20}, SMTPSCOPE_DELIVERED},
        {"a reply", {.payload = 20, .reply = true}, SMTPSCOPE_DELIVERED},
        {"port 587", {.destination = 587, .payload = 1}, SMTPSCOPE_DELIVERED},
        {"both ports ours", {.source = 25, .payload = 1}, SMTPSCOPE_DELIVERED},
        {"FIN without payload", {.flags = fin | ack}, SMTPSCOPE_DELIVERED},
        {"RST without payload", {.flags = rst}, SMTPSCOPE_DELIVERED},
        {"the longest rest of a block", {.payload = 63 - 40}, SMTPSCOPE_DELIVERED},
        {"a block and the longest rest", {.payload = 127 - 40}, SMTPSCOPE_DELIVERED},
        {"whole blocks", {.payload = 192 - 40}, SMTPSCOPE_DELIVERED},
        {"fills the small class", {.payload = 128 - 40}, SMTPSCOPE_DELIVERED},
        {"one more than the small class", {.payload = 129 - 40}, SMTPSCOPE_DELIVERED},
        {"fills the medium class", {.payload = 512 - 40}, SMTPSCOPE_DELIVERED},
        {"one more than the medium class", {.payload = 513 - 40}, SMTPSCOPE_DELIVERED},
        {"full segment", {.tcp_options = 12, .payload = 1448}, SMTPSCOPE_DELIVERED},
        {"fills the large class", {.payload = 1600 - 40}, SMTPSCOPE_DELIVERED},
        {"one more than the large class", {.payload = 1601 - 40}, SMTPSCOPE_DELIVERED},
        {"3,000 bytes", {.payload = 2960}, SMTPSCOPE_DELIVERED},
        {"all TCP options", {.tcp_options = 40, .payload = 5}, SMTPSCOPE_DELIVERED},
        {"IPv4 options", {.ip_options = 40, .payload = 5}, SMTPSCOPE_DELIVERED},
        {"padding of a short frame is left out", {.payload = 2, .padding = 4}, SMTPSCOPE_DELIVERED},
        {"VLAN", {.vlan = {0x8100}, .payload = 100}, SMTPSCOPE_DELIVERED},
        {"QinQ", {.vlan = {0x88a8, 0x8100}, .payload = 100}, SMTPSCOPE_DELIVERED},
        {"VLAN, IPv6", {.version = 6, .vlan = {0x8100}, .payload = 1400}, SMTPSCOPE_DELIVERED},
        {"IPv6", {.version = 6, .payload = 100}, SMTPSCOPE_DELIVERED},
        {"IPv6, full segment", {.version = 6, .tcp_options = 12, .payload = 1428}, SMTPSCOPE_DELIVERED},
        {"IPv6, hop-by-hop", {.version = 6, .extensions = {{0}}, .payload = 9}, SMTPSCOPE_DELIVERED},
        {"IPv6, long destination options", {.version = 6, .extensions = {{60, 20}}, .payload = 9}, SMTPSCOPE_DELIVERED},
        {"IPv6, authentication header", {.version = 6, .extensions = {{51, 4}}, .payload = 9}, SMTPSCOPE_DELIVERED},
        {"IPv6, several extension headers",
         {.version = 6, .extensions = {{0}, {60}, {43, 2}, {51, 4}, {60, 1}}, .payload = 9},
         SMTPSCOPE_DELIVERED},
        {"IPv6, as many extension headers as are read",
         {.version = 6, .extensions = {{0}, {60}, {60}, {60}, {60}, {60}, {60}, {60}}, .payload = 9},
         SMTPSCOPE_DELIVERED},
        {"IPv6, atomic fragment (RFC 6946), reserved bits set",
         {.version = 6, .extensions = {{44, 0, 6}}, .payload = 9},
         SMTPSCOPE_DELIVERED},
        {"total length 0: as long as the frame", {.payload = 900, .total_length = 0}, SMTPSCOPE_DELIVERED},
        {"IPv6, payload length 0", {.version = 6, .payload = 900, .total_length = 0}, SMTPSCOPE_DELIVERED},

        // Ours: of no use.
        {"pure ACK", {.flags = ack, .tcp_options = 12}, SMTPSCOPE_IGNORED_ACK},
        {"pure ACK in a padded frame", {.flags = ack, .padding = 6}, SMTPSCOPE_IGNORED_ACK},
        {"pure ACK, IPv6", {.version = 6, .flags = ack}, SMTPSCOPE_IGNORED_ACK},

        // Of a fragment only the first has ports, so all others of TCP are delivered.
        {"first fragment", {.payload = 800, .fragment = 0x2000}, SMTPSCOPE_DELIVERED},
        {"later fragment", {.payload = 800, .fragment = 0x2064}, SMTPSCOPE_DELIVERED},
        {"last fragment", {.payload = 800, .fragment = 0x0064}, SMTPSCOPE_DELIVERED},
        {"last fragment of two bytes in a padded frame",
         {.payload = 2, .padding = 4, .fragment = 0x64},
         SMTPSCOPE_DELIVERED},
        {"later fragment of full size", {.payload = 1460, .fragment = 0x2064}, SMTPSCOPE_DELIVERED},
        {"later fragment, other port number in its data",
         {.destination = 443, .payload = 9, .fragment = 0x64},
         SMTPSCOPE_DELIVERED},
        {"IPv6, first fragment", {.version = 6, .extensions = {{44, 0, 1}}, .payload = 9}, SMTPSCOPE_DELIVERED},
        {"IPv6, last fragment", {.version = 6, .extensions = {{44, 0, 0x100}}, .payload = 9}, SMTPSCOPE_DELIVERED},
        {"IPv6, last fragment behind other headers",
         {.version = 6, .extensions = {{0}, {43, 2}, {44, 0, 0x100}}, .payload = 900},
         SMTPSCOPE_DELIVERED},
        {"IPv6, last fragment, an extension header first",
         {.version = 6, .extensions = {{44, 0, 0x100}, {60}}, .payload = 9},
         SMTPSCOPE_DELIVERED},

        // Ours and lost: the host will refuse them.
        {"fragment longer than its frame", {.payload = 100, .cut = 1, .fragment = 0x64}, SMTPSCOPE_LOST_UNREADABLE},
        {"longer than its frame", {.payload = 100, .cut = 1}, SMTPSCOPE_LOST_UNREADABLE},
        {"ends within the TCP header", {.cut = 8}, SMTPSCOPE_LOST_UNREADABLE},
        {"ends behind the ports", {.cut = 16}, SMTPSCOPE_LOST_UNREADABLE},
        {"data offset too small", {.payload = 100, .data_offset = 4}, SMTPSCOPE_LOST_UNREADABLE},
        {"TCP header longer than the packet", {.payload = 1, .data_offset = 15}, SMTPSCOPE_LOST_UNREADABLE},
        {"total length less than the headers", {.payload = 100, .total_length = 30}, SMTPSCOPE_LOST_UNREADABLE},

        // Not ours.
        {"another port", {.destination = 443, .payload = 1000}, not_seen},
        {"ports whose bytes are ours in the wrong order", {.source = 0x1900, .destination = 0x4b02}, not_seen},
        {"another port, IPv6", {.version = 6, .destination = 443, .payload = 1000}, not_seen},
        {"another port behind extension headers", {.version = 6, .extensions = {{0}}, .destination = 443}, not_seen},
        {"first fragment of another port", {.destination = 443, .payload = 80, .fragment = 0x2000}, not_seen},
        {"UDP to port 25", {.protocol = 17, .payload = 100}, not_seen},
        {"UDP to port 25, IPv6", {.version = 6, .protocol = 17, .payload = 100}, not_seen},
        {"UDP fragment", {.protocol = 17, .payload = 100, .fragment = 0x64}, not_seen},
        {"UDP fragment, IPv6", {.version = 6, .extensions = {{44, 0, 0x100}}, .protocol = 17, .payload = 9}, not_seen},
        {"ARP", {.ethertype = 0x0806}, not_seen},
        {"three VLAN tags", {.vlan = {0x8100, 0x8100, 0x8100}, .payload = 100}, not_seen},
        {"more extension headers than are read",
         {.version = 6, .extensions = {{0}, {60}, {60}, {60}, {60}, {60}, {60}, {60}, {60}}, .payload = 9},
         not_seen},
        {"IPv6 without a next header", {.version = 6, .protocol = 59, .payload = 9}, not_seen},
        {"Internet header length too small", {.payload = 100, .ihl = 4}, not_seen},
        {"ends within the IP header", {.cut = 25}, not_seen},
        {"ends before the ports", {.cut = 17}, not_seen},
        {"ends within the IPv6 header", {.version = 6, .cut = 40}, not_seen},
        {"ends within an extension header", {.version = 6, .extensions = {{0}}, .cut = 26}, not_seen},
    };
    return all;
}

struct Target {
    Program program;
    const char* name;
};
constexpr Target targets[] = {
    {Program::xdp, "XDP"}, {Program::tc_ingress, "TC ingress"}, {Program::tc_egress, "TC egress"}};
/// Not on every kernel.
constexpr Target for_fragments = {Program::xdp_frags, "XDP for fragments"};
constexpr const char* no_fragments = "this kernel has no XDP for packets in several pages (Linux 5.18)";

bool is_tc(Program p) {
    return p != Program::xdp && p != Program::xdp_frags;
}

/// The packet as it must arrive: without link header and padding.
Frame expected_bytes(const Spec& spec, const Frame& frame) {
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(link_size(spec));
    return {begin, begin + static_cast<std::ptrdiff_t>(packet_size(spec))};
}

Frame joined(const Outcome& outcome) {
    Frame all;
    for (const Record& record : outcome.records) all.insert(all.end(), record.bytes.begin(), record.bytes.end());
    return all;
}

bool is_fragment(const Spec& spec) {
    return spec.fragment != 0 || std::any_of(spec.extensions.begin(), spec.extensions.end(), [](const Extension& e) {
               return e.type == 44 && (e.fragment & 0xfff9) != 0;
           });
}

/// Of its IP headers: of a later fragment, those that are not content.
std::size_t fragment_header_size(const Spec& spec) {
    Spec ip = spec;
    for (std::size_t i = 0; i < ip.extensions.size(); ++i)
        if (ip.extensions[i].type == 44 && (ip.extensions[i].fragment & 0xfff8) != 0) ip.extensions.resize(i + 1);
    return header_size(ip) - 20 - spec.tcp_options;
}

void check_record(const Row& row, const Frame& frame, const Outcome& outcome, Program program) {
    REQUIRE(outcome.records.size() == 1);
    const smtpscope_record& r = outcome.records[0].header;
    CHECK(outcome.records[0].bytes == expected_bytes(row.spec, frame));
    CHECK(r.wire_length == packet_size(row.spec));
    CHECK(r.headers == (is_fragment(row.spec) ? fragment_header_size(row.spec) : header_size(row.spec)));
    CHECK(r.offset == 0);
    CHECK(r.flags == 0);
    CHECK(r.time_ns > 0);
    CHECK(r.direction == (program == Program::tc_egress ? SMTPSCOPE_EGRESS : SMTPSCOPE_INGRESS));
}

void check_counters(const Row& row, const Outcome& outcome) {
    std::array<std::uint64_t, SMTPSCOPE_CAUSE_COUNT> packets{};
    if (row.cause != not_seen) packets[SMTPSCOPE_SEEN] = packets[static_cast<std::size_t>(row.cause)] = 1;
    CHECK(outcome.packets == packets);
    if (row.cause == SMTPSCOPE_DELIVERED || row.cause == SMTPSCOPE_IGNORED_ACK) {
        CHECK(outcome.bytes[SMTPSCOPE_SEEN] == packet_size(row.spec));
        CHECK(outcome.bytes[static_cast<std::size_t>(row.cause)] == packet_size(row.spec));
    }
}

/// BPF_PROG_TEST_RUN gives TC no frame shorter than an Ethernet and an IP header.
bool can_be_run(const Target& target, const Frame& frame, const Spec& spec) {
    if (is_tc(target.program)) return frame.size() >= 14u + (spec.version == 4 ? 20 : 40) && frame.size() < 3000;
    return target.program == Program::xdp_frags || frame.size() < 3400;
}

void set_verdict(Runner& runner, const Spec& spec, smtpscope_verdict verdict) {
    smtpscope_flow flow{};
    flow.ends = ends_of(spec);
    flow.senders[0].verdict = flow.senders[1].verdict = verdict;
    runner.programs().set_flow(flow);
}

/// Every row except `left_out`, a list of names: those that the kernel does not take for a test.
void run_rows(Runner& runner, const Target& target, const std::string& left_out) {
    REQUIRE(runner.has(target.program));
    std::string not_run;
    for (const Row& row : rows()) {
        const Frame frame = build(row.spec);
        INFO(target.name << ": " << row.name);
        if (!can_be_run(target, frame, row.spec)) {
            not_run.append(not_run.empty() ? "" : "; ").append(row.name);
            continue;
        }
        const Outcome outcome = runner.run(target.program, frame);
        CHECK(outcome.verdict == passing_verdict(target.program));
        check_counters(row, outcome);
        if (row.cause == SMTPSCOPE_DELIVERED)
            check_record(row, frame, outcome, target.program);
        else
            CHECK(outcome.records.empty());
    }
    INFO(target.name);
    CHECK(not_run == left_out);
}

}  // namespace

TEST_CASE("every kind of packet, through every program", "[bpf]") {
    Runner runner;
    for (const Target& target : targets)
        run_rows(runner, target,
                 is_tc(target.program) ? "3,000 bytes; ends within the IP header; ends within the IPv6 header" : "");
}

TEST_CASE("every kind of packet, through the program for fragments", "[bpf]") {
    Runner runner;
    if (!runner.has(for_fragments.program)) return skip(no_fragments);
    run_rows(runner, for_fragments, "");
}

namespace {

void run_verdicts(Runner& runner, const Target& target) {
    struct Step {
        const char* name;
        Spec spec;
        smtpscope_verdict verdict;
        int cause;
        std::size_t copied;  ///< bytes
    };
    const std::size_t v4 = 40, v6 = 60;
    const std::vector<Step> steps = {
        {"copy", {.payload = 100}, SMTPSCOPE_COPY, SMTPSCOPE_DELIVERED, v4 + 100},
        {"ignore: data", {.payload = 100}, SMTPSCOPE_IGNORE, SMTPSCOPE_IGNORED_FLOW, 0},
        {"ignore: data of the other end", {.payload = 100, .reply = true}, SMTPSCOPE_IGNORE, SMTPSCOPE_IGNORED_FLOW, 0},
        {"ignore: IPv6", {.version = 6, .payload = 100}, SMTPSCOPE_IGNORE, SMTPSCOPE_IGNORED_FLOW, 0},
        {"ignore: IPv6, other end",
         {.version = 6, .payload = 9, .reply = true},
         SMTPSCOPE_IGNORE,
         SMTPSCOPE_IGNORED_FLOW,
         0},
        {"ignore: same ports at both ends", {.source = 25, .payload = 9}, SMTPSCOPE_IGNORE, SMTPSCOPE_IGNORED_FLOW, 0},
        {"ignore: same ports, other end",
         {.source = 25, .payload = 9, .reply = true},
         SMTPSCOPE_IGNORE,
         SMTPSCOPE_IGNORED_FLOW,
         0},
        {"ignore: pure ACK", {.flags = ack}, SMTPSCOPE_IGNORE, SMTPSCOPE_IGNORED_ACK, 0},
        {"ignore: FIN", {.flags = fin | ack}, SMTPSCOPE_IGNORE, SMTPSCOPE_DELIVERED, v4},
        {"ignore: FIN with data", {.flags = fin | ack, .payload = 99}, SMTPSCOPE_IGNORE, SMTPSCOPE_DELIVERED, v4},
        {"ignore: RST", {.version = 6, .flags = rst}, SMTPSCOPE_IGNORE, SMTPSCOPE_DELIVERED, v6},
        {"ignore: a new SYN", {.flags = syn, .tcp_options = 20}, SMTPSCOPE_IGNORE, SMTPSCOPE_DELIVERED, v4 + 20},
        {"headers: data", {.tcp_options = 12, .payload = 900}, SMTPSCOPE_HEADERS_ONLY, SMTPSCOPE_DELIVERED, v4 + 12},
        {"headers: pure ACK", {.flags = ack}, SMTPSCOPE_HEADERS_ONLY, SMTPSCOPE_IGNORED_ACK, 0},
    };
    REQUIRE(runner.has(target.program));
    for (const Step& step : steps) {
        INFO(target.name << ": " << step.name);
        set_verdict(runner, step.spec, step.verdict);
        const Outcome outcome = runner.run(target.program, build(step.spec));
        CHECK(outcome.verdict == passing_verdict(target.program));
        CHECK(outcome.packets[static_cast<std::size_t>(step.cause)] == 1);
        CHECK(outcome.packets[SMTPSCOPE_SEEN] == 1);
        CHECK(joined(outcome).size() == step.copied);
        CHECK(outcome.records.size() == (step.copied > 0 ? 1 : 0));
        for (const Record& r : outcome.records) CHECK(r.header.wire_length == packet_size(step.spec));
        runner.programs().remove_flow(ends_of(step.spec));
    }
}

}  // namespace

TEST_CASE("a verdict on a flow", "[bpf]") {
    Runner runner;
    for (const Target& target : targets) run_verdicts(runner, target);
}

TEST_CASE("a verdict on a flow, in the program for fragments", "[bpf]") {
    Runner runner;
    if (!runner.has(for_fragments.program)) return skip(no_fragments);
    run_verdicts(runner, for_fragments);
}

TEST_CASE("the counters of a flow are kept by sender", "[bpf]") {
    Runner runner;
    const Spec forth{.payload = 100}, back{.payload = 7, .reply = true};
    set_verdict(runner, forth, SMTPSCOPE_IGNORE);
    runner.run(Program::xdp, build(forth), 3);
    runner.run(Program::tc_egress, build(back), 2);
    runner.run(Program::tc_egress, build({.flags = fin | ack, .reply = true}));
    const auto flow = runner.programs().find_flow(ends_of(forth));
    REQUIRE(flow);
    CHECK(flow->senders[0].ignored_packets == 3);
    CHECK(flow->senders[0].ignored_bytes == 420);
    CHECK(flow->senders[1].ignored_packets == 2);
    CHECK(flow->senders[1].ignored_bytes == 94);
    CHECK(flow->senders[1].delivered_packets == 1);
    CHECK(flow->senders[1].delivered_bytes == 40);
    CHECK(runner.programs().hash(ends_of(forth)) == runner.programs().hash(ends_of(back)));
}

TEST_CASE("headers until the other end answers", "[bpf]") {
    Runner runner;
    const Spec content{.payload = 1000}, reply{.payload = 30, .reply = true};
    smtpscope_flow flow{};
    flow.ends = ends_of(content);
    flow.senders[0].verdict = SMTPSCOPE_HEADERS_UNTIL_ANSWER;
    runner.programs().set_flow(flow);
    const auto copied = [&](Program program, const Spec& spec) {
        return joined(runner.run(program, build(spec))).size();
    };
    CHECK(copied(Program::xdp, content) == 40);
    CHECK(copied(Program::xdp, content) == 40);
    // An acknowledgement is no answer, nor is the end of the other direction.
    CHECK(copied(Program::tc_egress, {.flags = ack, .reply = true}) == 0);
    CHECK(copied(Program::tc_egress, {.flags = fin | ack, .reply = true}) == 40);
    CHECK(copied(Program::xdp, content) == 40);
    CHECK(copied(Program::tc_egress, reply) == 70);
    CHECK(copied(Program::xdp, content) == 1040);
    const auto after = runner.programs().find_flow(ends_of(content));
    REQUIRE(after);
    CHECK(after->senders[0].verdict == SMTPSCOPE_COPY);
    CHECK(after->senders[0].ignored_bytes == 3000);
    CHECK(after->senders[0].delivered_packets == 4);
    CHECK(after->senders[0].ignored_packets == 0);
}

TEST_CASE("both directions of a connection go into one ring, and connections into all of them", "[bpf]") {
    constexpr unsigned shards = 4;
    Runner runner(std::uint64_t{1} << 20, shards);
    std::vector<std::size_t> per_ring(shards);
    for (const int version : {4, 6})
        for (std::uint16_t port = 40000; port < 40200; ++port) {
            INFO("IPv" << version << ", port " << port);
            const std::size_t forth =
                runner.ring_of(Program::xdp, build({.version = version, .source = port, .payload = 9}));
            const std::size_t back = runner.ring_of(
                Program::tc_egress, build({.version = version, .source = port, .payload = 9, .reply = true}));
            REQUIRE(forth < shards);
            CHECK(forth == back);
            ++per_ring[forth];
        }
    for (const std::size_t connections : per_ring) CHECK(connections > 60);  // of 400: 100 each, evenly
    // The ports of fragments are unknown.
    CHECK(runner.ring_of(Program::xdp, build({.payload = 800, .fragment = 0x64})) == 0);
}

TEST_CASE("what a sleeping reader is woken for", "[bpf]") {
    Runner runner(std::uint64_t{1} << 20, 1, 4096);
    const Frame frame = build({.payload = 1000});
    runner.programs().reader(0).need_wake = 1;
    CHECK(runner.run(Program::xdp, frame, 2).wakeups == 0);  // 3,312 bytes with their headers
    CHECK(runner.programs().reader(0).need_wake == 1);
    CHECK(runner.run(Program::xdp, frame, 3).wakeups == 1);
    CHECK(runner.programs().reader(0).need_wake == 0);
}

TEST_CASE("an entry of another connection under the same hash is none of this one's", "[bpf]") {
    Runner runner;
    const Spec data{.payload = 100};
    smtpscope_flow other{};
    other.ends = ends_of(data);
    other.senders[0].verdict = other.senders[1].verdict = SMTPSCOPE_IGNORE;
    runner.programs().set_flow(other);
    CHECK(runner.run(Program::xdp, build(data)).packets[SMTPSCOPE_IGNORED_FLOW] == 1);
    ++other.ends.port[0];
    runner.programs().set_flow(other, runner.programs().hash(ends_of(data)));
    CHECK(runner.run(Program::xdp, build(data)).packets[SMTPSCOPE_DELIVERED] == 1);
    CHECK_FALSE(runner.programs().find_flow(ends_of(data)));
}

TEST_CASE("a SYN ends the verdict on the connection before it", "[bpf]") {
    Runner runner;
    const Spec data{.payload = 100};
    set_verdict(runner, data, SMTPSCOPE_IGNORE);
    CHECK(runner.run(Program::xdp, build(data)).packets[SMTPSCOPE_IGNORED_FLOW] == 1);
    // The answer to a SYN does not: it belongs to the same connection.
    runner.run(Program::tc_egress, build({.flags = syn | ack, .reply = true}));
    CHECK(runner.run(Program::xdp, build(data)).packets[SMTPSCOPE_IGNORED_FLOW] == 1);
    runner.run(Program::xdp, build({.flags = syn}));
    CHECK(runner.run(Program::xdp, build(data)).packets[SMTPSCOPE_DELIVERED] == 1);
}

TEST_CASE("a large packet goes in pieces", "[bpf]") {
    Runner runner;
    if (!runner.has(Program::xdp_frags)) return skip(no_fragments);
    for (const std::size_t payload : {8960UL, 32640UL - 40, 32641UL - 40, 50000UL, 65495UL}) {
        const Spec spec{.payload = payload};
        const Frame frame = build(spec);
        INFO(payload << " bytes");
        const Outcome outcome = runner.run(Program::xdp_frags, frame);
        CHECK(outcome.packets[SMTPSCOPE_SEEN] == 1);
        CHECK(outcome.packets[SMTPSCOPE_DELIVERED] == 1);
        CHECK(joined(outcome) == expected_bytes(spec, frame));
        REQUIRE(outcome.records.size() == (payload + 40 + SMTPSCOPE_PIECE - 1) / SMTPSCOPE_PIECE);
        std::size_t offset = 0;
        for (const Record& r : outcome.records) {
            CHECK(r.header.packet_id == outcome.records[0].header.packet_id);
            CHECK(r.header.packet_id != 0);
            CHECK(r.header.offset == offset);
            CHECK(r.header.wire_length == payload + 40);
            offset += r.bytes.size();
            CHECK(((r.header.flags & SMTPSCOPE_MORE) != 0) == (offset < payload + 40));
        }
    }
}

TEST_CASE("a full ring loses, counts and never holds a packet up", "[bpf]") {
    constexpr std::uint64_t size = 64 << 10;
    Runner runner(size);
    const Frame frame = build({.payload = 1460});
    const Outcome outcome = runner.run(Program::xdp, frame, 1000);
    CHECK(outcome.verdict == passing_verdict(Program::xdp));
    CHECK(outcome.packets[SMTPSCOPE_SEEN] == 1000);
    CHECK(outcome.packets[SMTPSCOPE_LOST_RING_FULL] > 900);
    CHECK(outcome.packets[SMTPSCOPE_DELIVERED] == outcome.records.size());
    CHECK(outcome.packets[SMTPSCOPE_DELIVERED] + outcome.packets[SMTPSCOPE_LOST_RING_FULL] == 1000);
    CHECK(runner.run(Program::xdp, frame).packets[SMTPSCOPE_DELIVERED] == 1);
}

TEST_CASE("a large packet whose second piece finds the ring full is lost, once", "[bpf]") {
    Runner runner(64 << 10);
    if (!runner.has(Program::xdp_frags)) return skip(no_fragments);
    const Frame frame = build({.payload = 1460});
    // What came before the loss is there.
    test_run(runner.programs().fd(Program::xdp), frame, 12);
    const Outcome torn = runner.run(Program::xdp_frags, build({.payload = 65000}));
    CHECK(torn.packets[SMTPSCOPE_SEEN] == 1);
    CHECK(torn.packets[SMTPSCOPE_LOST_RING_FULL] == 1);
    CHECK(torn.packets[SMTPSCOPE_DELIVERED] == 0);
    REQUIRE(torn.records.size() == 13);
    CHECK((torn.records[12].header.flags & SMTPSCOPE_MORE) != 0);
}

TEST_CASE("seen = delivered + ignored + lost over everything", "[bpf]") {
    Runner runner(64 << 10);
    std::uint64_t runs = 0;
    for (const Target& target : targets) {
        REQUIRE(runner.has(target.program));
        for (const Row& row : rows()) {
            if (!can_be_run(target, build(row.spec), row.spec)) continue;
            test_run(runner.programs().fd(target.program), build(row.spec), 7);
            runs += row.cause == not_seen ? 0 : 7;
        }
    }
    const smtpscope_counters c = runner.programs().counters(0);
    std::uint64_t packets = 0, bytes = 0;
    for (int cause = SMTPSCOPE_DELIVERED; cause < SMTPSCOPE_CAUSE_COUNT; ++cause) {
        packets += c.packets[cause];
        bytes += c.bytes[cause];
    }
    CHECK(c.packets[SMTPSCOPE_SEEN] == runs);
    CHECK(packets == runs);
    CHECK(c.bytes[SMTPSCOPE_SEEN] == bytes);
    CHECK(c.packets[SMTPSCOPE_LOST_RING_FULL] > 0);
}

TEST_CASE("a sleeping reader is woken once, a busy one never", "[bpf]") {
    Runner runner;
    const Frame frame = build({.payload = 100});
    CHECK(runner.run(Program::xdp, frame, 100).wakeups == 0);
    runner.programs().reader(0).need_wake = 1;
    CHECK(runner.run(Program::xdp, build({.destination = 443, .payload = 100}), 100).wakeups == 0);
    CHECK(runner.run(Program::xdp, build({.flags = ack}), 100).wakeups == 0);
    CHECK(runner.run(Program::xdp, frame, 100).wakeups == 1);
    CHECK(runner.programs().reader(0).need_wake == 0);
}
