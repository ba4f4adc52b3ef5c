// SPDX-License-Identifier: BSD-3-Clause
// Counters by interface: exact over all CPUs, over interfaces that come and go, and over processes.
#include <sched.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "../unit/catch.h"
#include "capture/accounts.h"
#include "runner.h"

using namespace smtpscope;
using namespace smtpscope::capture;
using namespace smtpscope::test;

namespace {

constexpr unsigned loopback = 1;  // the interface that BPF_PROG_TEST_RUN gives to a packet

Options options() {
    Options o;
    o.ring_size = 64 << 10;
    return o;
}

/// The CPUs that this process may use, which it can use again at the end.
class Processors {
  public:
    Processors() {
        if (sched_getaffinity(0, sizeof(all_), &all_) != 0) throw std::runtime_error("sched_getaffinity");
    }
    ~Processors() { sched_setaffinity(0, sizeof(all_), &all_); }
    Processors(const Processors&) = delete;
    Processors& operator=(const Processors&) = delete;

    std::vector<int> numbers() const {
        std::vector<int> found;
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &all_)) found.push_back(cpu);
        return found;
    }
    static void move_to(int cpu) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof(one), &one) != 0) throw std::runtime_error("sched_setaffinity");
    }

  private:
    cpu_set_t all_;
};

/// Packets without content, which no ring has to have room for.
void send_packets(const Programs& programs, unsigned count, Program program = Program::xdp) {
    test_run(programs.fd(program), build({.flags = ack}), count);
}

/// Packets seen, by ifindex; 0 is the rest.
std::map<unsigned, std::uint64_t> seen(const Accounts& accounts) {
    std::map<unsigned, std::uint64_t> all;
    for (const Account& one : accounts.by_interface()) {
        CHECK(all.count(one.ifindex) == 0);
        all[one.ifindex] = one.counters.packets[SMTPSCOPE_SEEN];
    }
    return all;
}

std::uint64_t total(const Accounts& accounts) {
    return accounts.total().packets[SMTPSCOPE_SEEN];
}

using Seen = std::map<unsigned, std::uint64_t>;

}  // namespace

TEST_CASE("an interface's counters are the sum over all CPUs", "[bpf][accounts]") {
    Programs programs(options());
    Accounts accounts(programs);
    accounts.open(loopback);
    const Processors processors;
    const std::vector<int> cpus = processors.numbers();
    REQUIRE(!cpus.empty());
    std::uint64_t sent = 0;
    for (const int cpu : cpus) {
        Processors::move_to(cpu);
        for (const Program program : {Program::xdp, Program::tc_ingress, Program::tc_egress}) {
            const unsigned count = 100 + static_cast<unsigned>(cpu);
            send_packets(programs, count, program);
            sent += count;
        }
    }
    CHECK(seen(accounts) == Seen{{0, 0}, {loopback, sent}});
    const smtpscope_counters sum = accounts.total();
    CHECK(sum.packets[SMTPSCOPE_SEEN] == sent);
    CHECK(sum.packets[SMTPSCOPE_IGNORED_ACK] == sent);
    CHECK(sum.bytes[SMTPSCOPE_SEEN] == sent * packet_size({.flags = ack}));
    CHECK(sum.bytes[SMTPSCOPE_IGNORED_ACK] == sum.bytes[SMTPSCOPE_SEEN]);
}

TEST_CASE("what an interface counted stays in the sum when it goes", "[bpf][accounts]") {
    Programs programs(options());
    Accounts accounts(programs);
    send_packets(programs, 1);  // no interface has an account
    CHECK(seen(accounts) == Seen{{0, 1}});
    accounts.open(loopback);
    accounts.open(loopback);
    accounts.open(7);
    CHECK(accounts.has(loopback));
    send_packets(programs, 20);
    CHECK(seen(accounts) == Seen{{0, 1}, {loopback, 20}, {7, 0}});
    accounts.close(loopback);
    accounts.close(loopback);
    CHECK_FALSE(accounts.has(loopback));
    send_packets(programs, 300);
    CHECK(seen(accounts) == Seen{{0, 321}, {7, 0}});
    accounts.open(loopback);  // another one under the same index begins at 0
    CHECK(seen(accounts) == Seen{{0, 321}, {loopback, 0}, {7, 0}});
    send_packets(programs, 4000);
    CHECK(seen(accounts) == Seen{{0, 321}, {loopback, 4000}, {7, 0}});
    CHECK(total(accounts) == 4321);
}

TEST_CASE("more interfaces than there are accounts count together", "[bpf][accounts]") {
    Programs programs(options());
    Accounts accounts(programs);
    unsigned next = loopback + 1;
    do {
        accounts.open(next);
    } while (accounts.has(next++));
    CHECK(next - 3 == SMTPSCOPE_SLOTS - 2);  // two of the slots are no interface's
    accounts.open(loopback);
    CHECK_FALSE(accounts.has(loopback));
    send_packets(programs, 5);
    CHECK(seen(accounts).at(0) == 5);
    // One goes, and its account is taken.
    accounts.close(loopback + 1);
    accounts.open(loopback);
    CHECK(accounts.has(loopback));
    CHECK(seen(accounts).at(loopback) == 0);
    send_packets(programs, 60);
    CHECK(seen(accounts).at(loopback) == 60);
    CHECK(total(accounts) == 65);
}

TEST_CASE("interfaces that come and go for ever are all in the sum, also of the next process", "[bpf][accounts]") {
    std::vector<Kept> kept;
    std::uint64_t sent = 0;
    {
        Programs programs(options());
        Accounts accounts(programs);
        for (unsigned i = 0; i < 2 * SMTPSCOPE_SLOTS; ++i) {
            accounts.open(loopback);
            send_packets(programs, 1 + i % 3);
            sent += 1 + i % 3;
            accounts.close(loopback);
        }
        accounts.open(loopback);
        send_packets(programs, 7);
        CHECK(seen(accounts) == Seen{{0, sent}, {loopback, 7}});
        CHECK(total(accounts) == sent + 7);
        kept = copies(programs);
    }
    Inheritance inherited(kept);
    Programs programs(options(), &inherited);
    REQUIRE(programs.took_over());
    Accounts accounts(programs);
    CHECK(accounts.has(loopback));
    CHECK(seen(accounts) == Seen{{0, sent}, {loopback, 7}});
    CHECK(total(accounts) == sent + 7);
    send_packets(programs, 10);
    accounts.close(loopback);
    accounts.open(loopback);
    send_packets(programs, 1);
    CHECK(seen(accounts) == Seen{{0, sent + 17}, {loopback, 1}});
    CHECK(total(accounts) == sent + 18);
}
