// SPDX-License-Identifier: BSD-3-Clause
#include "capture/inheritance.h"

#include "smtpscope/kernel_abi.h"

namespace smtpscope::capture {

std::string kept_name(const std::string& what) {
    return "smtpscope-" + std::to_string(SMTPSCOPE_ABI) + "-" + what;
}

Inheritance::Inheritance(const std::vector<Kept>& handed_over) {
    const std::string ours = kept_name("");
    for (const Kept& kept : handed_over) {
        Descriptor fd(kept.fd);
        if (kept.name.starts_with(ours)) descriptors_.insert_or_assign(kept.name, std::move(fd));
    }
}

bool Inheritance::has(const std::string& what) const {
    return descriptors_.count(kept_name(what)) != 0;
}

Descriptor Inheritance::take(const std::string& what) {
    auto node = descriptors_.extract(kept_name(what));
    return node.empty() ? Descriptor() : std::move(node.mapped());
}

}  // namespace smtpscope::capture
