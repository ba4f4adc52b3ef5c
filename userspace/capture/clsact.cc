// SPDX-License-Identifier: BSD-3-Clause
#include "capture/clsact.h"

#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "capture/diagnostics.h"
#include "capture/netlink.h"
#include "capture/programs.h"
#include "capture/source.h"

namespace smtpscope::capture {
namespace {

// Numbers that nobody else is likely to choose. Automatic priorities begin at 49152.
constexpr std::uint32_t own_handle = 0x25587;
constexpr std::uint32_t own_priority = 25587;

bpf_tc_hook hook_of(unsigned ifindex, int point) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = static_cast<bpf_tc_attach_point>(point);
    return hook;
}

int point_of(ClsactSide side) {
    return side == ClsactSide::ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

bpf_tc_opts own_options() {
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = own_handle;
    options.priority = own_priority;
    return options;
}

std::string program_name(const nlmsghdr& message) {
    std::string name;
    netlink::for_each_attribute(netlink::attributes<tcmsg>(message), [&](unsigned type, netlink::Payload value) {
        if (type != TCA_OPTIONS) return;
        netlink::for_each_attribute(value, [&](unsigned inner, netlink::Payload v) {
            if (inner == TCA_BPF_NAME) name = netlink::text(v);
        });
    });
    return name;
}

struct Filter {
    bool ours = false;
    std::string name;
};

std::vector<Filter> filters(unsigned ifindex, ClsactSide side) {
    std::vector<Filter> found;
    tcmsg request{};
    request.tcm_family = AF_UNSPEC;
    request.tcm_ifindex = static_cast<int>(ifindex);
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side == ClsactSide::ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
    netlink::dump(RTM_GETTFILTER, request, [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWTFILTER || message.nlmsg_len < NLMSG_LENGTH(sizeof(tcmsg))) return;
        const auto* tc = static_cast<const tcmsg*>(NLMSG_DATA(&message));
        Filter filter;
        filter.name = program_name(message);
        filter.ours = tc->tcm_handle == own_handle && TC_H_MAJ(tc->tcm_info) >> 16 == own_priority &&
                      filter.name.starts_with(program_prefix);
        // The kernel lists each priority once without a handle, as the head of the chain.
        if (tc->tcm_handle != 0) found.push_back(std::move(filter));
    });
    return found;
}

}  // namespace

const char* to_string(ClsactSide side) {
    return side == ClsactSide::ingress ? "ingress" : "egress";
}

std::vector<std::string> own_filters(unsigned ifindex, ClsactSide side) {
    std::vector<std::string> names;
    for (Filter& filter : filters(ifindex, side))
        if (filter.ours) names.push_back(std::move(filter.name));
    return names;
}

bool remove_own_filter(unsigned ifindex, ClsactSide side) {
    if (own_filters(ifindex, side).empty()) return false;
    const Diagnostics quiet;
    const bpf_tc_hook hook = hook_of(ifindex, point_of(side));
    const bpf_tc_opts options = own_options();
    const int error = bpf_tc_detach(&hook, &options);
    if (error != 0 && error != -ENOENT)
        throw Error("cannot remove our filter from interface " + std::to_string(ifindex) + ": " + error_text(error));
    return true;
}

bool remove_unused_qdisc(unsigned ifindex) {
    if (!filters(ifindex, ClsactSide::ingress).empty() || !filters(ifindex, ClsactSide::egress).empty()) return false;
    const Diagnostics quiet;
    bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
    return bpf_tc_hook_destroy(&hook) == 0;
}

ClsactQdisc::ClsactQdisc(const Interface& interface) : ifindex_(interface.index) {
    const Diagnostics quiet;
    bpf_tc_hook hook = hook_of(ifindex_, BPF_TC_INGRESS | BPF_TC_EGRESS);
    const int error = bpf_tc_hook_create(&hook);
    if (error != 0 && error != -EEXIST)
        throw Error(interface.name + ": cannot make the clsact queueing discipline: " + error_text(error) + "; " +
                    (error == -EPERM ? "CAP_NET_ADMIN is needed" : "the kernel needs CONFIG_NET_SCH_INGRESS"));
    // A killed agent that left its filter also left the queueing discipline.
    made_ = error == 0 || !own_filters(ifindex_, ClsactSide::ingress).empty() ||
            !own_filters(ifindex_, ClsactSide::egress).empty();
}

ClsactQdisc::~ClsactQdisc() {
    if (!made_) return;
    try {
        remove_unused_qdisc(ifindex_);
    } catch (const Error&) {
        // The interface is gone, and its queueing discipline with it.
        return;
    }
}

ClsactFilter::ClsactFilter(std::shared_ptr<ClsactQdisc> qdisc, const Interface& interface, ClsactSide side, int program)
    : qdisc_(std::move(qdisc)), ifindex_(interface.index), side_(side) {
    const Diagnostics quiet;
    const bpf_tc_hook hook = hook_of(ifindex_, point_of(side));
    bpf_tc_opts options = own_options();
    options.prog_fd = program;
    // In one step, so that no packet is missed.
    if (!own_filters(ifindex_, side).empty()) options.flags = BPF_TC_F_REPLACE;
    const int error = bpf_tc_attach(&hook, &options);
    if (error != 0)
        throw Error(interface.name + ": cannot attach at TC " + to_string(side) + ": " +
                    (error == -EEXIST ? "another filter has our handle and priority; `tc filter show` tells whose"
                                      : error_text(error)));
}

void ClsactFilter::leave() {
    stays_ = true;
    qdisc_->leave();
}

ClsactFilter::~ClsactFilter() {
    if (stays_) return;
    const Diagnostics quiet;
    const bpf_tc_hook hook = hook_of(ifindex_, point_of(side_));
    const bpf_tc_opts options = own_options();
    bpf_tc_detach(&hook, &options);
}

}  // namespace smtpscope::capture
