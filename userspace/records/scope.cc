// SPDX-License-Identifier: BSD-3-Clause
#include "records/scope.h"

#include <algorithm>

namespace smtpscope::records {

void Scope::weird(std::string_view name, std::string_view addl, std::string_view source) {
    if (!weirds_) weirds_ = std::make_unique<std::vector<std::string_view>>();
    if (std::find(weirds_->begin(), weirds_->end(), name) != weirds_->end()) return;
    weirds_->push_back(name);
    ++context->stats->weirds;
    context->sink->weird({now, uid(), id, std::string(name), std::string(addl), std::string(source)});
}

}  // namespace smtpscope::records
