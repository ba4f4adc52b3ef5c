// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/site.h"

#include <iterator>

namespace smtpscope {

namespace {

struct Name {
    Host host;
    std::string_view text;
};
constexpr Name names[] = {
    {Host::local, "LOCAL_HOSTS"}, {Host::remote, "REMOTE_HOSTS"}, {Host::all, "ALL_HOSTS"}, {Host::none, "NO_HOSTS"}};

}  // namespace

std::optional<Host> parse_host(std::string_view name) {
    for (const Name& n : names)
        if (n.text == name) return n.host;
    return std::nullopt;
}

std::string_view to_string(Host h) {
    for (const Name& n : names)
        if (n.host == h) return n.text;
    return "NO_HOSTS";
}

bool addr_matches_host(const Address& a, Host h, const SubnetSet& local_nets) {
    if (h == Host::none) return false;
    return h == Host::all || (h == Host::local) == local_nets.contains(a);
}

bool id_matches_direction(const ConnId& id, Direction d, const SubnetSet& local_nets) {
    const bool from_local = local_nets.contains(id.orig_h);
    const bool to_local = local_nets.contains(id.resp_h);
    switch (d) {
        case Direction::inbound:
            return !from_local && to_local;
        case Direction::outbound:
            return from_local && !to_local;
        case Direction::bidirectional:
            return from_local != to_local;
        case Direction::none:
            break;
    }
    return false;
}

}  // namespace smtpscope
