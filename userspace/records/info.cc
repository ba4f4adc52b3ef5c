// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "smtpscope/records.h"

namespace smtpscope {

namespace {
constexpr std::size_t linear_search_limit = 16;
}  // namespace

bool StringSet::contains(std::string_view value) const {
    if (index_.empty()) return std::find(items_.begin(), items_.end(), value) != items_.end();
    return index_.find(value) != index_.end();
}

bool StringSet::insert(std::string value) {
    if (contains(value)) return false;
    bytes_ += value.size();
    items_.push_back(std::move(value));
    if (!index_.empty())
        index_.insert(items_.back());
    else if (items_.size() > linear_search_limit)
        index_.insert(items_.begin(), items_.end());
    return true;
}

}  // namespace smtpscope
