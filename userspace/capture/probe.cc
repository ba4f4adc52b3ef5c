// SPDX-License-Identifier: BSD-3-Clause
#include "capture/probe.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/words.h"
#include "capture/attach.h"
#include "capture/choice.h"
#include "capture/diagnostics.h"
#include "capture/instance.h"
#include "capture/interfaces.h"
#include "capture/programs.h"

namespace smtpscope::capture {
namespace {

class Prober {
  public:
    explicit Prober(const Options& options) : options_(options) {}

    ProbeReport run() {
        kernel();
        capabilities();
        programs();
        interfaces();
        report_.works = programs_ && !lacks_interface_ && (usable_interfaces_ > 0 || unusable_interfaces_ == 0);
        return std::move(report_);
    }

  private:
    void say(Finding finding, std::string subject, std::string text, std::string remedy = {}) {
        report_.lines.push_back({finding, std::move(subject), std::move(text), std::move(remedy)});
    }

    void kernel() {
        utsname name{};
        uname(&name);
        const bool btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
        say(Finding::good, "kernel", std::string(name.release) + (btf ? ", with BTF" : ", without BTF (not needed)"));
    }

    void capabilities() {
        const std::vector<std::string> missing = missing_capabilities();
        if (missing.empty()) {
            say(Finding::good, "capabilities", "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are there");
            return;
        }
        std::string names;
        for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
        say(Finding::missing, "capabilities", "missing: " + names,
            "run as root, or under systemd with AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON");
    }

    void programs() {
        if (!missing_capabilities().empty()) {
            say(Finding::missing, "programs", "not tried without the capabilities");
            return;
        }
        const Features features = probe_features();
        if (!features.ring_buffer)
            say(Finding::missing, "ring buffer", "this kernel has none",
                "5.10 is the oldest kernel that is known to work");
        if (!features.xdp)
            say(Finding::lesser, "XDP", "not in this kernel; TC ingress stands in",
                "a kernel with CONFIG_BPF_SYSCALL and XDP");
        if (!features.xdp_frags)
            say(Finding::lesser, "XDP fragments", "not in this kernel: native XDP only up to an MTU of about 3,500",
                "Linux 5.18 or later");
        if (!tcx_is_supported())
            say(Finding::lesser, "tcx", "not in this kernel: TC filters outlive a killed agent until its next start",
                "Linux 6.6 or later; `smtpscope detach` removes what is left");
        try {
            programs_ = std::make_unique<Programs>(options_);
            say(Finding::good, "programs",
                "the kernel takes them; the ring has " + size_in_words(programs_->ring_size()));
        } catch (const Error& e) {
            say(Finding::missing, "programs", e.what());
        }
    }

    void interfaces() {
        std::vector<Interface> present;
        try {
            present = list_interfaces();
        } catch (const Error& e) {
            say(Finding::missing, "interfaces", e.what());
            lacks_interface_ = true;
            return;
        }
        for (const std::string& name : options_.interfaces) {
            const bool matched =
                std::any_of(present.begin(), present.end(), [&](const Interface& i) { return is_wanted({name}, i); });
            if (!matched) say_that_none_is_here(name);
        }
        const std::vector<Interface> wanted = wanted_among(options_.interfaces, present);
        for (const Interface& interface : present) one_interface(interface, wanted);
    }

    void say_that_none_is_here(const std::string& name) {
        if (is_one_name(name)) {
            lacks_interface_ = true;
            say(Finding::missing, name, "no such interface is here",
                "`ip link` shows the names of those that are; `run` waits for one only if it is asked for by `auto` or "
                "by a glob");
        } else {
            say(Finding::lesser, name, "no such interface is here now; `run` starts, and waits for one");
        }
    }

    void one_interface(const Interface& interface, const std::vector<Interface>& wanted) {
        if (!is_wanted(options_.interfaces, interface)) {
            say(Finding::good, interface.name, "left out: " + why_left_out(interface));
            return;
        }
        if (is_covered(interface, wanted)) {
            say(Finding::good, interface.name, "left out: " + seen_below(interface));
            return;
        }
        if (interface.layer == LinkLayer::other) {
            ++unusable_interfaces_;
            lacks_interface_ |= is_listed(options_.interfaces, interface.name);
            say(Finding::missing, interface.name, "its packets are neither Ethernet nor plain IP", "leave it out");
            return;
        }
        const InstanceLock lock(interface.index);
        ++usable_interfaces_;
        if (!lock.held()) {
            report_.running = true;
            say(Finding::good, interface.name, "watched by " + watcher(lock.holder()));
            return;
        }
        const std::vector<Way> ways = plan_ingress(interface, options_.xdp_mode);
        const bool foreign = interface.xdp_mode != 0 && !ways.empty() && ways.front().kind == AttachKind::tc_ingress;
        say(foreign ? Finding::lesser : Finding::good, interface.name, describe(interface, ways),
            foreign ? "detach the other XDP program if it is not needed" : "");
    }

    static std::string watcher(pid_t holder) {
        if (holder == 0) return "another smtpscope";
        std::ifstream cgroup("/proc/" + std::to_string(holder) + "/cgroup");
        const std::string text{std::istreambuf_iterator<char>(cgroup), {}};
        const bool service = text.find("/smtpscope.service\n") != std::string::npos;
        return (service ? "the running service (process " : "a running agent (process ") + std::to_string(holder) + ")";
    }

    std::string why_left_out(const Interface& interface) const {
        const bool automatic =
            std::find(options_.interfaces.begin(), options_.interfaces.end(), "auto") != options_.interfaces.end();
        if (!automatic) return "not named";
        if (!interface.up) return "it is down";
        if (interface.stacked) return seen_below(interface);
        return "its packets are neither Ethernet nor plain IP";
    }

    static std::string seen_below(const Interface& interface) {
        return "a " + interface.kind + "; its packets are seen on the interfaces below it";
    }

    static std::string describe(const Interface& interface, const std::vector<Way>& ways) {
        std::string text;
        for (const Way& way : ways) {
            text += (text.empty() ? "" : ", else ") + std::string(in_words(way.kind));
            if (!way.reason.empty()) text += " (" + way.reason + ")";
        }
        if (needs_egress(interface, ways))
            text += ways.empty() ? "TC egress (on loopback it sees both directions)" : "; TC egress";
        const std::string driver = driver_of(interface);
        if (interface.is_nic() && !driver.empty()) text += "; driver " + driver;
        return text;
    }

    const Options& options_;
    ProbeReport report_;
    std::unique_ptr<Programs> programs_;
    unsigned usable_interfaces_ = 0, unusable_interfaces_ = 0;
    bool lacks_interface_ = false;  ///< one without which `run` does not start
};

}  // namespace

ProbeReport probe(const Options& options) {
    return Prober(options).run();
}

}  // namespace smtpscope::capture
