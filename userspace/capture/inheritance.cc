// SPDX-License-Identifier: BSD-3-Clause
#include "capture/inheritance.h"

#include <bpf/bpf.h>

#include <string_view>

#include "smtpscope/kernel_abi.h"

namespace smtpscope::capture {
namespace {

constexpr std::string_view prefix = "smtpscope-";

}  // namespace

std::string kept_name(const std::string& what) {
    return std::string(prefix) + std::to_string(SMTPSCOPE_ABI) + "-" + what;
}

void end_link(Descriptor link) {
    // A map is not attached, nor is a link whose interface is gone.
    if (link) bpf_link_detach(link.get());
}

Inheritance::Inheritance(const std::vector<Kept>& handed_over) {
    const std::string ours = kept_name("");
    for (const Kept& kept : handed_over) {
        Descriptor fd(kept.fd);
        if (kept.name.starts_with(ours)) {
            descriptors_.insert_or_assign(kept.name, std::move(fd));
        } else if (kept.name.starts_with(prefix)) {
            another_version_ = true;
            end_link(std::move(fd));
        }
    }
}

int Inheritance::fd(const std::string& what) const {
    const auto it = descriptors_.find(kept_name(what));
    return it == descriptors_.end() ? -1 : it->second.get();
}

Descriptor Inheritance::take(const std::string& what) {
    auto node = descriptors_.extract(kept_name(what));
    return node.empty() ? Descriptor() : std::move(node.mapped());
}

}  // namespace smtpscope::capture
