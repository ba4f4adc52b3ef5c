// SPDX-License-Identifier: BSD-3-Clause
#include "records/offer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "records/reply.h"

namespace smtpscope::records {

namespace {
constexpr std::size_t max_length = 1024;  // bytes; servers offer a dozen or two keywords
}

void Offer::line(const smtp::Reply& reply, Shared<std::string>& known) {
    if (reply.doubtful) return forget();
    if (!std::exchange(within_, reply.more)) return;
    const std::string keyword = extension_keyword(reply.text);
    std::string all = keywords_ ? *keywords_ : std::string();
    if (!keyword.empty() && all.size() + keyword.size() <= max_length) {
        if (!all.empty()) all += ' ';
        all += keyword;
    }
    if (!all.empty()) keywords_ = reply.more ? std::make_shared<const std::string>(std::move(all)) : known(all);
}

std::vector<std::string> Offer::keywords() const {
    std::vector<std::string> all;
    std::string_view text = *keywords_;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        all.emplace_back(word);
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return all;
}

}  // namespace smtpscope::records
