// SPDX-License-Identifier: BSD-3-Clause
#include "capture/attach.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "capture/clsact.h"
#include "capture/diagnostics.h"

namespace smtpscope::capture {
namespace {

// Newer than the headers of the oldest system that we build on.
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);
constexpr auto tcx_egress = static_cast<bpf_attach_type>(47);

class LinkHook final : public Hook {
  public:
    explicit LinkHook(Descriptor fd) : fd_(std::move(fd)) {}
    int link() const override { return fd_.get(); }

  private:
    Descriptor fd_;
};

class ClsactHook final : public Hook {
  public:
    ClsactHook(std::shared_ptr<ClsactQdisc> qdisc, const Interface& interface, ClsactSide side, int program)
        : filter_(std::move(qdisc), interface, side, program) {}
    void leave() override { filter_.leave(); }

  private:
    ClsactFilter filter_;
};

/// A link, or the negative error.
int create_link(int program, unsigned ifindex, bpf_attach_type type, unsigned flags) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
    const int fd = bpf_link_create(program, static_cast<int>(ifindex), type, &options);
    return fd < 0 ? -errno : fd;
}

struct Refusal {
    std::string reason;
    std::string remedy = {};
};

Refusal explain_xdp_error(int error, const Interface& interface) {
    switch (-error) {
        case EBUSY:
        case EEXIST:
            return {"another XDP program is attached", "detach it if it is not needed (bpftool net)"};
        case EOPNOTSUPP:
        case EINVAL:
        case ENOMEM:
            return {"its driver has no native XDP, or not with its present settings (too few queues, LRO)",
                    "more queues (ethtool -L " + interface.name + " combined N), or `ethtool -K " + interface.name +
                        " lro off gro-hw off`"};
        case ERANGE:
            return {"its MTU of " + std::to_string(interface.mtu) + " is too large for XDP",
                    "Linux 5.18 and a driver that takes packets in several pages, or a smaller MTU"};
        case EPERM:
            return {"not permitted", "CAP_NET_ADMIN and CAP_BPF are needed"};
        case ENODEV:
            return {"it is gone"};
        default:
            return {error_text(error)};
    }
}

/// In the order in which they are tried. A program that takes packets in several pages does not limit the MTU.
std::vector<Program> xdp_programs(const Programs& programs, AttachKind kind) {
    if (kind == AttachKind::xdp_native && programs.has(Program::xdp_frags)) return {Program::xdp_frags, Program::xdp};
    return {Program::xdp};
}

int attach_xdp(const Programs& programs, const Interface& interface, AttachKind kind) {
    const unsigned flags = kind == AttachKind::xdp_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    int fd = -EOPNOTSUPP;
    for (const Program program : xdp_programs(programs, kind)) {
        fd = create_link(programs.fd(program), interface.index, BPF_XDP, flags);
        if (fd >= 0 || fd == -EBUSY || fd == -EEXIST || fd == -ENODEV) break;
    }
    return fd;
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
    Inheritance* inherited;
    std::shared_ptr<ClsactQdisc> qdisc = nullptr;
};

/// The link of an earlier process, with one of our programs in the place of its own; none if that cannot be, and then
/// the place is free.
std::unique_ptr<Hook> take_over(const Programs& programs, const Interface& interface, AttachKind kind,
                                Inheritance* inherited) {
    if (!inherited) return nullptr;
    Descriptor link = inherited->take(hook_name(interface.index, kind));
    if (!link) return nullptr;
    const std::vector<Program> candidates =
        is_xdp(kind) ? xdp_programs(programs, kind) : std::vector{tc_program(kind, interface.layer)};
    const bool ours = std::any_of(candidates.begin(), candidates.end(), [&](Program program) {
        return bpf_link_update(link.get(), programs.fd(program), nullptr) == 0;
    });
    if (!ours) {
        end_link(std::move(link));
        return nullptr;
    }
    auto hook = std::make_unique<LinkHook>(std::move(link));
    hook->attachment.means = is_xdp(kind) ? AttachMeans::link : AttachMeans::tcx;
    hook->inherited = true;
    return hook;
}

std::unique_ptr<Hook> attach_tc(const Programs& programs, const Interface& interface, AttachKind kind, Tc& tc) {
    const int program = programs.fd(tc_program(kind, interface.layer));
    const bool egress = kind == AttachKind::tc_egress;
    if (auto hook = take_over(programs, interface, kind, tc.inherited)) return hook;
    std::unique_ptr<Hook> hook;
    if (tc.means == TcMeans::best) {
        Descriptor link(create_link(program, interface.index, egress ? tcx_egress : tcx_ingress, 0));
        if (link) {
            hook = std::make_unique<LinkHook>(std::move(link));
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
    hook.attachment.remedy = way.remedy;
}

/// One way of the plan; nullptr, and why, if it is refused.
std::unique_ptr<Hook> try_way(const Programs& programs, const Interface& interface, const Way& way, Tc& tc,
                              Refusal& refused) {
    if (!is_xdp(way.kind)) return attach_tc(programs, interface, way.kind, tc);
    if (auto hook = take_over(programs, interface, way.kind, tc.inherited)) return hook;
    const int fd = attach_xdp(programs, interface, way.kind);
    if (fd >= 0) return std::make_unique<LinkHook>(Descriptor(fd));
    const Refusal why = explain_xdp_error(fd, interface);
    refused.reason += refused.reason.empty() ? "" : "; ";
    refused.reason.append(in_words(way.kind)).append(": ").append(why.reason);
    if (refused.remedy.empty()) refused.remedy = why.remedy;
    return nullptr;
}

std::unique_ptr<Hook> attach_ingress(const Programs& programs, const Interface& interface, const std::vector<Way>& ways,
                                     Tc& tc) {
    Refusal refused;
    for (const Way& way : ways) {
        std::unique_ptr<Hook> hook = try_way(programs, interface, way, tc, refused);
        if (!hook) continue;
        describe(*hook, interface, way);
        if (!refused.reason.empty()) hook->attachment.reason = refused.reason;
        if (!refused.reason.empty()) hook->attachment.remedy = refused.remedy;
        return hook;
    }
    throw Error(interface.name + ": the mode that capture.xdp_mode asks for is refused (" + refused.reason +
                "); `auto` finds one that works" + (refused.remedy.empty() ? "" : ", or: " + refused.remedy));
}

constexpr AttachKind all_kinds[] = {AttachKind::xdp_native, AttachKind::xdp_generic, AttachKind::tc_ingress,
                                    AttachKind::tc_egress};

/// Links that have no place in the plan: they would be in its way, or see packets twice.
void end_others(const Interface& interface, const std::vector<Way>& ingress, bool egress, Inheritance* inherited) {
    for (const AttachKind kind : all_kinds) {
        const bool planned =
            kind == AttachKind::tc_egress
                ? egress
                : std::any_of(ingress.begin(), ingress.end(), [&](const Way& way) { return way.kind == kind; });
        if (!planned) end_link(inherited->take(hook_name(interface.index, kind)));
    }
}

/// Filters that a killed agent left on a side where this one has none: they would go on copying, though nobody reads.
void end_leftovers(const Interface& interface, const std::vector<std::unique_ptr<Hook>>& hooks) {
    bool any = false;
    for (const ClsactSide side : {ClsactSide::ingress, ClsactSide::egress}) {
        const AttachKind kind = side == ClsactSide::ingress ? AttachKind::tc_ingress : AttachKind::tc_egress;
        const bool used = std::any_of(hooks.begin(), hooks.end(), [&](const auto& hook) {
            return hook->attachment.kind == kind && hook->attachment.means == AttachMeans::clsact;
        });
        if (!used) any |= remove_own_filter(interface.index, side);
    }
    if (any) remove_unused_qdisc(interface.index);
}

/// The interface as it is without the XDP program of the process before.
Interface without_predecessor(Interface interface, const Inheritance* inherited) {
    if (inherited && (inherited->has(hook_name(interface.index, AttachKind::xdp_native)) ||
                      inherited->has(hook_name(interface.index, AttachKind::xdp_generic))))
        interface.xdp_mode = XDP_ATTACHED_NONE;
    return interface;
}

}  // namespace

std::vector<Way> plan_ingress(const Interface& interface, XdpMode mode) {
    using enum AttachKind;
    const Way tc{tc_ingress, "capture.xdp_mode is tc"};
    if (interface.layer == LinkLayer::none)
        return {{tc_ingress, "its packets have no Ethernet header, which XDP needs"}};
    if (interface.xdp_mode != XDP_ATTACHED_NONE && !(interface.loopback && mode == XdpMode::automatic))
        return {{tc_ingress,
                 "another XDP program (id " + std::to_string(interface.xdp_program_id) + ") is attached; it stays",
                 "detach it if it is not needed (bpftool net)"}};
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
    // Never generic XDP, which copies every large packet into one piece first.
    if (interface.is_nic()) return {{xdp_native, ""}, {tc_ingress, ""}};
    if (interface.kind == "veth") return {{tc_ingress, "native XDP on veth slows its peer down: TSO goes off"}};
    return {{tc_ingress, "it is virtual (" + interface.kind + "), where TC costs less than XDP"}};
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

std::string hook_name(unsigned ifindex, AttachKind kind) {
    return "hook-" + std::to_string(ifindex) + "-" + to_string(kind);
}

std::vector<std::unique_ptr<Hook>> attach(const Programs& programs, const Interface& interface, XdpMode mode,
                                          Inheritance* inherited, TcMeans means) {
    if (interface.layer == LinkLayer::other)
        throw Error(interface.name + ": packets of its kind cannot be read; only Ethernet and plain IP can");
    const Diagnostics quiet;
    const std::vector<Way> ways = plan_ingress(without_predecessor(interface, inherited), mode);
    const bool egress = needs_egress(interface, ways);
    if (inherited) end_others(interface, ways, egress, inherited);
    Tc tc{means, inherited};
    std::vector<std::unique_ptr<Hook>> hooks;
    if (!ways.empty()) hooks.push_back(attach_ingress(programs, interface, ways, tc));
    if (egress) {
        hooks.push_back(attach_tc(programs, interface, AttachKind::tc_egress, tc));
        describe(*hooks.back(), interface,
                 {AttachKind::tc_egress, interface.loopback ? "on loopback this sees both directions" : ""});
    }
    end_leftovers(interface, hooks);
    return hooks;
}

}  // namespace smtpscope::capture
