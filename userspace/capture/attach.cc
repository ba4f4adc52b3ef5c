// SPDX-License-Identifier: BSD-3-Clause
#include "capture/attach.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "capture/clsact.h"
#include "capture/diagnostics.h"

namespace smtpscope::capture {
namespace {

// Younger than the headers of the oldest system that we build on.
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);
constexpr auto tcx_egress = static_cast<bpf_attach_type>(47);

class LinkHook final : public Hook {
  public:
    explicit LinkHook(int fd) : fd_(fd) {}
    ~LinkHook() override { close(fd_); }

  private:
    int fd_;
};

class ClsactHook final : public Hook {
  public:
    ClsactHook(std::shared_ptr<ClsactQdisc> qdisc, const Interface& interface, ClsactSide side, int program)
        : filter_(std::move(qdisc), interface, side, program) {}

  private:
    ClsactFilter filter_;
};

/// A link, or the negative error.
int create_link(int program, unsigned ifindex, bpf_attach_type type, unsigned flags) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    const int fd = bpf_link_create(program, static_cast<int>(ifindex), type, &options);
    return fd < 0 ? -errno : fd;
}

std::string explain_xdp_error(int error, const Interface& interface) {
    switch (-error) {
        case EBUSY:
        case EEXIST:
            return "another XDP program is attached";
        case EOPNOTSUPP:
            return "its driver has no native XDP, or not with its present settings (too few queues, LRO)";
        case ERANGE:
            return "its MTU of " + std::to_string(interface.mtu) + " is too large for XDP";
        case EPERM:
            return "not permitted: CAP_NET_ADMIN and CAP_BPF are needed";
        case ENODEV:
            return "it is gone";
        default:
            return error_text(error);
    }
}

/// Packets in several pages need the other program; the kernel says so with one of several errors.
int attach_xdp(const Programs& programs, const Interface& interface, AttachKind kind) {
    const unsigned flags = kind == AttachKind::xdp_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    const int plain = create_link(programs.fd(Program::xdp), interface.index, BPF_XDP, flags);
    if (plain >= 0 || plain == -EBUSY || plain == -EEXIST || plain == -ENODEV || kind == AttachKind::xdp_generic ||
        !programs.has(Program::xdp_frags))
        return plain;
    const int frags = create_link(programs.fd(Program::xdp_frags), interface.index, BPF_XDP, flags);
    return frags >= 0 ? frags : plain;
}

bool is_xdp(AttachKind kind) {
    return kind == AttachKind::xdp_native || kind == AttachKind::xdp_generic;
}

Program tc_program(AttachKind kind, LinkLayer layer) {
    if (kind == AttachKind::tc_egress) return layer == LinkLayer::none ? Program::tc_egress_raw : Program::tc_egress;
    return layer == LinkLayer::none ? Program::tc_ingress_raw : Program::tc_ingress;
}

/// How to attach at TC on one interface: both directions share the queueing discipline, if one is needed.
struct Tc {
    TcMeans means;
    std::shared_ptr<ClsactQdisc> qdisc = nullptr;
};

std::unique_ptr<Hook> attach_tc(const Programs& programs, const Interface& interface, AttachKind kind, Tc& tc) {
    const int program = programs.fd(tc_program(kind, interface.layer));
    const bool egress = kind == AttachKind::tc_egress;
    std::unique_ptr<Hook> hook;
    if (tc.means == TcMeans::best) {
        const int fd = create_link(program, interface.index, egress ? tcx_egress : tcx_ingress, 0);
        if (fd >= 0) {
            hook = std::make_unique<LinkHook>(fd);
            hook->attachment.means = AttachMeans::tcx;
        }
    }
    if (!hook) {
        if (!tc.qdisc) tc.qdisc = std::make_shared<ClsactQdisc>(interface);
        hook = std::make_unique<ClsactHook>(tc.qdisc, interface, egress ? ClsactSide::egress : ClsactSide::ingress,
                                            program);
        hook->attachment.means = AttachMeans::clsact;
    }
    return hook;
}

void describe(Hook& hook, const Interface& interface, const Way& way) {
    hook.attachment.interface = interface.name;
    hook.attachment.ifindex = interface.index;
    hook.attachment.kind = way.kind;
    hook.attachment.reason = way.reason;
}

std::unique_ptr<Hook> attach_ingress(const Programs& programs, const Interface& interface, const std::vector<Way>& ways,
                                     Tc& tc) {
    std::string refused;
    for (const Way& way : ways) {
        std::unique_ptr<Hook> hook;
        if (is_xdp(way.kind)) {
            const int fd = attach_xdp(programs, interface, way.kind);
            if (fd >= 0) {
                hook = std::make_unique<LinkHook>(fd);
            } else {
                refused += (refused.empty() ? "" : "; ");
                refused += way.kind == AttachKind::xdp_native ? "native XDP: " : "generic XDP: ";
                refused += explain_xdp_error(fd, interface);
                continue;
            }
        } else {
            hook = attach_tc(programs, interface, way.kind, tc);
        }
        describe(*hook, interface, way);
        if (!refused.empty()) hook->attachment.reason = refused;
        return hook;
    }
    throw Error(interface.name + ": the mode that capture.xdp_mode asks for is refused (" + refused +
                "); `auto` finds one that works");
}

}  // namespace

std::vector<Way> plan_ingress(const Interface& interface, XdpMode mode) {
    using enum AttachKind;
    const Way tc{tc_ingress, "capture.xdp_mode is tc"};
    if (interface.layer == LinkLayer::none)
        return {{tc_ingress, "its packets have no Ethernet header, which XDP needs"}};
    if (interface.xdp_mode != XDP_ATTACHED_NONE && !(interface.loopback && mode == XdpMode::automatic))
        return {{tc_ingress, "another XDP program (id " + std::to_string(interface.xdp_program_id) +
                                 ") is attached; it stays, see `bpftool net`"}};
    switch (mode) {
        case XdpMode::native:
            return {{xdp_native, ""}};
        case XdpMode::generic:
            return {{xdp_generic, "capture.xdp_mode is generic"}};
        case XdpMode::tc:
            if (interface.loopback) return {};
            return {tc};
        case XdpMode::automatic:
            break;
    }
    if (interface.loopback) return {};
    if (interface.is_nic()) return {{xdp_native, ""}, {xdp_generic, ""}, {tc_ingress, ""}};
    if (interface.kind == "veth") return {{tc_ingress, "native XDP on veth slows its peer down: TSO goes off"}};
    return {{tc_ingress, "it is virtual (" + interface.kind + "), where TC costs less than generic XDP"}};
}

bool tcx_is_supported() {
    const Diagnostics quiet;
    constexpr int loopback = 1;  // the first interface of every network namespace
    std::uint32_t flags = 0, count = 0;
    return bpf_prog_query(loopback, tcx_ingress, 0, &flags, nullptr, &count) == 0;
}

bool needs_egress(const Interface& interface, const std::vector<Way>& ingress) {
    return !interface.loopback || ingress.empty();
}

std::vector<std::unique_ptr<Hook>> attach(const Programs& programs, const Interface& interface, XdpMode mode,
                                          TcMeans means) {
    if (interface.layer == LinkLayer::other)
        throw Error(interface.name + ": packets of its kind cannot be read; only Ethernet and plain IP can");
    const Diagnostics quiet;
    const std::vector<Way> ways = plan_ingress(interface, mode);
    Tc tc{means};
    std::vector<std::unique_ptr<Hook>> hooks;
    if (!ways.empty()) hooks.push_back(attach_ingress(programs, interface, ways, tc));
    if (needs_egress(interface, ways)) {
        hooks.push_back(attach_tc(programs, interface, AttachKind::tc_egress, tc));
        describe(*hooks.back(), interface,
                 {AttachKind::tc_egress, interface.loopback ? "on loopback this sees both directions" : ""});
    }
    return hooks;
}

}  // namespace smtpscope::capture
