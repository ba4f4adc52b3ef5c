// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "smtpscope/records.h"

namespace smtpscope {

namespace {
constexpr std::size_t linear_search_limit = 16;
constexpr std::size_t abbreviated_subject = 20;  // characters, as in the reference
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

std::string describe(const Info& rec) {
    if (!rec.mailfrom || !rec.rcptto || rec.rcptto->empty()) return {};
    std::string out = *rec.mailfrom + " -> " + *rec.rcptto->begin();
    if (rec.rcptto->size() > 1) out += " (plus " + std::to_string(rec.rcptto->size() - 1) + " others)";
    if (rec.subject && !rec.subject->empty()) {
        out += ": " + rec.subject->substr(0, abbreviated_subject + 1);
        if (rec.subject->size() > abbreviated_subject + 1) out += "...";
    }
    return out;
}

}  // namespace smtpscope
