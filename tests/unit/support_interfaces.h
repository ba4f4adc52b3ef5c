// SPDX-License-Identifier: BSD-3-Clause
// Network interfaces as the kernel tells of them.
#pragma once

#include <string>

#include "capture/interfaces.h"

namespace smtpscope::test {

/// One that is up. `kind`: as in IFLA_INFO_KIND.
inline capture::Interface interface_of(const std::string& kind, capture::LinkLayer layer = capture::LinkLayer::ethernet,
                                       unsigned index = 2) {
    capture::Interface i;
    i.index = index;
    i.name = "x0";
    i.kind = kind;
    i.layer = layer;
    i.up = true;
    return i;
}

}  // namespace smtpscope::test
