// SPDX-License-Identifier: BSD-3-Clause
#include "capture/interfaces.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "capture/netlink.h"
#include "capture/source.h"

namespace smtpscope::capture {
namespace {

LinkLayer layer_of(unsigned short type) {
    switch (type) {
        case ARPHRD_ETHER:
        case ARPHRD_LOOPBACK:
            return LinkLayer::ethernet;
        case ARPHRD_NONE:
        case ARPHRD_PPP:
        case ARPHRD_TUNNEL:
        case ARPHRD_TUNNEL6:
        case ARPHRD_SIT:
        case ARPHRD_RAWIP:
            return LinkLayer::none;
        default:
            return LinkLayer::other;
    }
}

bool is_stacked(std::string_view kind) {
    static constexpr std::string_view kinds[] = {"bond",    "team",   "bridge", "vlan",   "macvlan",
                                                 "macvtap", "ipvlan", "ipvtap", "macsec", "vrf"};
    return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

void read_attributes(const nlmsghdr& message, Interface& interface) {
    bool lower_is_elsewhere = false;
    netlink::for_each_attribute(netlink::attributes<ifinfomsg>(message), [&](unsigned type, netlink::Payload value) {
        switch (type) {
            case IFLA_IFNAME:
                interface.name = netlink::text(value);
                break;
            case IFLA_MTU:
                interface.mtu = netlink::number<std::uint32_t>(value);
                break;
            case IFLA_MASTER:
                interface.master = netlink::number<std::uint32_t>(value);
                break;
            case IFLA_LINK:
                interface.lower = netlink::number<std::uint32_t>(value);
                break;
            case IFLA_LINK_NETNSID:
                lower_is_elsewhere = true;
                break;
            case IFLA_LINKINFO:
                netlink::for_each_attribute(value, [&](unsigned inner, netlink::Payload v) {
                    if (inner == IFLA_INFO_KIND) interface.kind = netlink::text(v);
                });
                break;
            case IFLA_XDP:
                netlink::for_each_attribute(value, [&](unsigned inner, netlink::Payload v) {
                    if (inner == IFLA_XDP_ATTACHED) interface.xdp_mode = netlink::number<std::uint8_t>(v);
                    if (inner == IFLA_XDP_PROG_ID) interface.xdp_program_id = netlink::number<std::uint32_t>(v);
                });
                break;
            default:
                break;
        }
    });
    // The index below is of another network namespace, whose packets are not seen from here.
    if (lower_is_elsewhere) interface.lower = 0;
    interface.stacked = is_stacked(interface.kind) && !lower_is_elsewhere;
}

}  // namespace

std::optional<Interface> parse_link(const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK || message.nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) return std::nullopt;
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
    Interface interface;
    interface.index = static_cast<unsigned>(info->ifi_index);
    interface.up = (info->ifi_flags & IFF_UP) != 0;
    interface.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    interface.layer = layer_of(info->ifi_type);
    read_attributes(message, interface);
    return interface;
}

std::vector<Interface> list_interfaces() {
    std::vector<Interface> found;
    ifinfomsg request{};
    request.ifi_family = AF_UNSPEC;
    netlink::dump(RTM_GETLINK, request, [&](const nlmsghdr& message) {
        if (std::optional<Interface> interface = parse_link(message)) found.push_back(std::move(*interface));
    });
    std::sort(found.begin(), found.end(), [](const Interface& a, const Interface& b) { return a.index < b.index; });
    return found;
}

std::string driver_of(const Interface& interface) {
    const Descriptor fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return {};
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    std::strncpy(request.ifr_name, interface.name.c_str(), sizeof(request.ifr_name) - 1);
    request.ifr_data = reinterpret_cast<char*>(&info);
    const bool known = ioctl(fd.get(), SIOCETHTOOL, &request) == 0;
    return known ? std::string(info.driver, strnlen(info.driver, sizeof(info.driver))) : std::string();
}

bool fills_in_checksums(const Interface& interface) {
    if (!interface.is_nic()) return false;
    // A hypervisor delivers packets of other guests as they were sent, with the checksum still to be filled in.
    static constexpr std::string_view paravirtual[] = {"", "virtio_net", "vif", "hv_netvsc", "vmxnet3"};
    return std::find(std::begin(paravirtual), std::end(paravirtual), driver_of(interface)) == std::end(paravirtual);
}

LinkMonitor::LinkMonitor() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
    if (!fd_)
        throw Error(std::string("cannot open a netlink socket: ") + std::strerror(errno) +
                    "; under systemd, RestrictAddressFamilies needs AF_NETLINK");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        throw Error(std::string("cannot follow network interfaces: ") + std::strerror(errno));
}

bool LinkMonitor::changed() {
    // What happened does not matter, list_interfaces() gives the present state; truncated messages and ENOBUFS are as
    // good.
    std::array<char, 256> buffer;
    bool any = false;
    while (recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC) >= 0 || errno == ENOBUFS || errno == EINTR)
        any = true;
    return any;
}

}  // namespace smtpscope::capture
