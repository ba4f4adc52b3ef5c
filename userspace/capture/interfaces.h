// SPDX-License-Identifier: BSD-3-Clause
// The network interfaces of this network namespace, by rtnetlink. (sysfs shows the namespace in which it was mounted.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"

struct nlmsghdr;

namespace smtpscope::capture {

/// What the packets of an interface begin with, as TC sees them.
enum class LinkLayer { ethernet, none, other };

struct Interface {
    unsigned index = 0;
    std::string name;
    std::string kind;  ///< of a virtual interface: veth, bridge, tun, ...; empty for a NIC
    LinkLayer layer = LinkLayer::other;
    bool up = false;
    bool loopback = false;
    bool stacked = false;  ///< on top of others of this namespace, where its packets are seen too: bond, vlan, ...
    unsigned master = 0;   ///< index of the bridge, bond, ... that it is a part of; 0: none
    unsigned lower = 0;    ///< index of the interface that it is on top of (VLAN, macvlan, ...); 0: none
    unsigned mtu = 0;
    std::uint8_t xdp_mode = 0;  ///< XDP_ATTACHED_*: what is attached already
    std::uint32_t xdp_program_id = 0;

    bool is_nic() const { return kind.empty() && !loopback; }
    bool operator==(const Interface&) const = default;
};

/// The interface that an RTM_NEWLINK message describes; nullopt for any other.
std::optional<Interface> parse_link(const nlmsghdr& message);

/// In the order of their indexes. Throws Error if the kernel does not answer.
std::vector<Interface> list_interfaces();

/// Whether what it receives has checksums worth validating: hardware, not a hypervisor's or another namespace's end.
bool fills_in_checksums(const Interface& interface);

/// The name of an interface's driver; empty if it has none.
std::string driver_of(const Interface& interface);

/// Tells that some interface has come, gone or changed.
class LinkMonitor {
  public:
    LinkMonitor();

    /// True if something happened since the last call, or if that is unknown. One system call.
    bool changed();

  private:
    Descriptor fd_;
};

}  // namespace smtpscope::capture
