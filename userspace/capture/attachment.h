// SPDX-License-Identifier: BSD-3-Clause
// Where a kernel program is attached, as values and in words.
#pragma once

#include <string>

namespace smtpscope::capture {

enum class AttachKind { xdp_native, xdp_generic, tc_ingress, tc_egress };
enum class AttachMeans { link, tcx, clsact };

/// One program on one interface.
struct Attachment {
    std::string interface;
    unsigned ifindex = 0;
    AttachKind kind = AttachKind::xdp_native;
    AttachMeans means = AttachMeans::link;
    std::string reason;  ///< why not a better kind; empty if this is the best
    std::string remedy;  ///< what would make a better kind possible; may be empty
};

/// The enumerator's name.
const char* to_string(AttachKind kind);
const char* to_string(AttachMeans means);
/// `native XDP`: the name for people.
const char* in_words(AttachKind kind);

/// `eth0: xdp_native by link`, with the reason if it is a second choice, and the remedy.
std::string describe(const Attachment& attachment);

}  // namespace smtpscope::capture
