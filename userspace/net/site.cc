// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/site.h"

namespace smtpscope {

bool addr_matches_host(const Address& a, Host h, const SubnetSet& local_nets) {
    if (h == Host::none) return false;
    return h == Host::all || (h == Host::local) == local_nets.contains(a);
}

}  // namespace smtpscope
