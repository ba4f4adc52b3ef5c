// SPDX-License-Identifier: BSD-3-Clause
// What kernels without tcx get: TC filters, which must be found, replaced and removed without touching any others.
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "../unit/catch.h"
#include "../unit/skip.h"
#include "capture/attach.h"
#include "capture/clsact.h"
#include "capture/instance.h"
#include "capture/live.h"
#include "runner.h"

using namespace smtpscope;
using namespace smtpscope::capture;

namespace {

/// Runs `body` in a child with a network namespace of its own, which has a veth pair v0, v1. The result of `body`, or
/// 100 if there can be none.
int in_namespace(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNET) != 0) _exit(100);
        if (std::system("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up") != 0)
            _exit(100);
        int result = 99;
        try {
            result = body();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
        }
        _exit(result);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

Interface find(const std::string& name) {
    for (Interface& i : list_interfaces())
        if (i.name == name) return i;
    throw Error("no " + name);
}

std::size_t count(unsigned ifindex) {
    return own_filters(ifindex, ClsactSide::ingress).size() + own_filters(ifindex, ClsactSide::egress).size();
}

/// Somebody else's filter, with a program of ours under another handle and priority.
void attach_foreign(const Programs& programs, unsigned ifindex) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = BPF_TC_EGRESS;
    bpf_tc_hook_create(&hook);
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.prog_fd = programs.fd(Program::tc_egress);
    options.handle = 1;
    options.priority = 1;
    if (bpf_tc_attach(&hook, &options) != 0) throw Error("cannot attach a foreign filter");
}

/// Sends a mail's packet from v1 to v0, and waits until the stack has it.
void send_mail(unsigned v1) {
    const Descriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(v1);
    const smtpscope::test::Frame frame = smtpscope::test::build({.payload = 100});
    if (sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0)
        throw Error("cannot send");
    usleep(50'000);
}

bool shows_filter(const char* side, const char* what) {
    return std::system((std::string("tc filter show dev v0 ") + side + " | grep -q '" + what + "'").c_str()) == 0;
}

bool has_clsact() {
    return std::system("tc qdisc show dev v0 | grep -q clsact") == 0;
}

}  // namespace

TEST_CASE("filters and the queueing discipline go with the hooks", "[clsact]") {
    CHECK(in_namespace([] {
              const Programs programs({});
              const Interface v0 = find("v0");
              {
                  const auto hooks = attach(programs, v0, XdpMode::automatic, nullptr, TcMeans::clsact);
                  if (hooks.size() != 2 || hooks[0]->attachment.means != AttachMeans::clsact) return 1;
                  if (count(v0.index) != 2 || !has_clsact()) return 2;
              }
              if (count(v0.index) != 0) return 3;
              return has_clsact() ? 4 : 0;
          }) == 0);
}

/// Attaches filters on both sides and ends without destructors, as by SIGKILL. False if they are not there.
bool leave_filters(const Interface& interface) {
    if (const pid_t killed = fork(); killed == 0) {
        const Programs programs({});
        const auto hooks = attach(programs, interface, XdpMode::automatic, nullptr, TcMeans::clsact);
        _exit(hooks.size() == 2 ? 0 : 1);
    } else {
        int status = 0;
        waitpid(killed, &status, 0);
        return status == 0 && count(interface.index) == 2;
    }
}

TEST_CASE("what a killed agent left goes also where the next has no filter", "[clsact]") {
    CHECK(in_namespace([] {
              const Interface v0 = find("v0");
              const Programs programs({});
              if (!leave_filters(v0)) return 1;
              {
                  const auto hooks = attach(programs, v0, XdpMode::native, nullptr, TcMeans::clsact);
                  if (!own_filters(v0.index, ClsactSide::ingress).empty()) return 2;
                  if (count(v0.index) != 1) return 3;
              }
              return has_clsact() ? 4 : 0;
          }) == 0);
}

TEST_CASE("what a killed agent left goes also where the next has tcx", "[clsact]") {
    constexpr int no_tcx = 50;
    const int result = in_namespace([] {
        const Interface v0 = find("v0");
        const Programs programs({});
        if (!leave_filters(v0)) return 1;
        const auto hooks = attach(programs, v0, XdpMode::automatic);
        if (hooks[0]->attachment.means != AttachMeans::tcx) return no_tcx;
        return count(v0.index) != 0 || has_clsact() ? 2 : 0;
    });
    if (result == no_tcx) return smtpscope::test::skip("this kernel has no tcx (Linux 6.6)");
    CHECK(result == 0);
}

TEST_CASE("filters that are handed over lose no packet", "[clsact]") {
    CHECK(in_namespace([] {
              const Interface v0 = find("v0"), v1 = find("v1");
              std::vector<Kept> kept;
              {
                  const Programs first({});
                  const auto hooks = attach(first, v0, XdpMode::automatic, nullptr, TcMeans::clsact);
                  send_mail(v1.index);
                  kept = smtpscope::test::copies(first);
                  for (const auto& hook : hooks) hook->leave();
              }
              // No agent runs.
              if (count(v0.index) != 2) return 1;
              send_mail(v1.index);
              Inheritance inherited(kept);
              Programs second({}, &inherited);
              {
                  const auto hooks = attach(second, v0, XdpMode::automatic, &inherited, TcMeans::clsact);
                  if (count(v0.index) != 2) return 2;
                  send_mail(v1.index);
                  const smtpscope_counters c = second.counters(0);
                  if (c.packets[SMTPSCOPE_SEEN] != 3 || c.packets[SMTPSCOPE_DELIVERED] != 3) return 3;
                  if (smtpscope::test::records_in(second) != 3) return 4;
              }
              if (count(v0.index) != 0) return 5;
              return has_clsact() ? 6 : 0;
          }) == 0);
}

TEST_CASE("what a killed agent left is replaced by the next", "[clsact]") {
    CHECK(in_namespace([] {
              const Interface v0 = find("v0");
              if (!leave_filters(v0)) return 1;
              const Programs programs({});
              {
                  const auto hooks = attach(programs, v0, XdpMode::automatic, nullptr, TcMeans::clsact);
                  if (count(v0.index) != 2) return 3;
              }
              if (count(v0.index) != 0) return 4;
              return has_clsact() ? 5 : 0;
          }) == 0);
}

TEST_CASE("detach removes what is ours, nothing of a live agent and nothing of others", "[clsact]") {
    CHECK(in_namespace([] {
              const Interface v0 = find("v0");
              const Programs programs({});
              attach_foreign(programs, v0.index);
              // Leaked, as a killed agent would.
              for (auto& hook : attach(programs, v0, XdpMode::automatic, nullptr, TcMeans::clsact))
                  static_cast<void>(hook.release());
              {
                  const InstanceLock live(v0.index);
                  const auto lines = detach_leftovers();
                  if (lines.size() != 1 || lines[0].find("left alone") == std::string::npos) return 1;
                  if (count(v0.index) != 2) return 2;
              }
              const auto lines = detach_leftovers();
              if (lines.size() != 2 || lines[1] != "v0: removed the TC egress filter") return 3;
              if (count(v0.index) != 0) return 4;
              if (!shows_filter("egress", "pref 1 bpf")) return 5;
              return detach_leftovers().empty() ? 0 : 6;
          }) == 0);
}

TEST_CASE("a foreign filter keeps the queueing discipline", "[clsact]") {
    CHECK(in_namespace([] {
              const Interface v0 = find("v0");
              const Programs programs({});
              {
                  const auto hooks = attach(programs, v0, XdpMode::automatic, nullptr, TcMeans::clsact);
                  attach_foreign(programs, v0.index);
              }
              if (count(v0.index) != 0) return 1;
              return shows_filter("egress", "pref 1 bpf") ? 0 : 2;
          }) == 0);
}
