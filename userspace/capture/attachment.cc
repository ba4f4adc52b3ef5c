// SPDX-License-Identifier: BSD-3-Clause
#include "capture/attachment.h"

namespace smtpscope::capture {

const char* to_string(AttachKind kind) {
    static constexpr const char* names[] = {"xdp_native", "xdp_generic", "tc_ingress", "tc_egress"};
    return names[static_cast<int>(kind)];
}

const char* to_string(AttachMeans means) {
    static constexpr const char* names[] = {"link", "tcx", "clsact"};
    return names[static_cast<int>(means)];
}

const char* in_words(AttachKind kind) {
    static constexpr const char* names[] = {"native XDP", "generic XDP", "TC ingress", "TC egress"};
    return names[static_cast<int>(kind)];
}

std::string describe(const Attachment& a) {
    std::string text = a.interface + ": " + to_string(a.kind) + " by " + to_string(a.means);
    if (!a.reason.empty()) text += " (" + a.reason + ")";
    if (!a.remedy.empty()) text += "; for a better way: " + a.remedy;
    return text;
}

}  // namespace smtpscope::capture
