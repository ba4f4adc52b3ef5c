// SPDX-License-Identifier: BSD-3-Clause
#include "records/scope.h"

#include <algorithm>

namespace smtpscope::records {

void Scope::weird(std::string_view name, std::string_view addl, std::string_view source) {
    if (!weirds_) weirds_ = std::make_unique<std::vector<std::string_view>>();
    if (std::find(weirds_->begin(), weirds_->end(), name) != weirds_->end()) return;
    weirds_->push_back(name);
    ++context->stats->weirds;
    tell(Weird{now, uid(), id, std::string(name), std::string(addl), std::string(source)});
}

void Scope::untell(std::string_view name) {
    if (weirds_) std::erase(*weirds_, name);
}

void Scope::file(FileInfo&& rec, ContentSink::Handle content) {
    ++context->stats->files;
    const DropPolicy* const policy = context->options->policy.get();
    if (!policy || !policy->drops(rec)) return tell(std::move(rec), content);
    if (content != ContentSink::none) context->files->content->discard(content);
}

}  // namespace smtpscope::records
