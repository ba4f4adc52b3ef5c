// SPDX-License-Identifier: BSD-3-Clause
#include "agent/losses.h"

#include <algorithm>
#include <utility>

#include "agent/counters.h"
#include "format/schema.h"

namespace smtpscope::agent {

namespace {

/// Several sinks may have one name.
void add(std::vector<Loss>& all, Loss loss) {
    const auto same = std::find_if(all.begin(), all.end(), [&](const Loss& l) { return l.cause == loss.cause; });
    if (same == all.end()) return all.push_back(std::move(loss));
    same->total += loss.total;
    if (same->detail.empty()) same->detail = std::move(loss.detail);
}

/// More may follow it.
std::string_view within_sentence(std::string_view sentence) {
    if (sentence.ends_with('.')) sentence.remove_suffix(1);
    return sentence;
}

template <class Stats>
void add_counts(std::vector<Loss>& all, const Stats& stats) {
    for (const auto& count : counts_of(stats))
        if (!count.lost.empty()) add(all, {std::string(count.lost), stats.*count.member, {}});
}

}  // namespace

std::vector<Loss> losses(const Status& s) {
    std::vector<Loss> all;
    for (const auto& c : s.kernel) {
        if (c.name.starts_with("lost_")) all.push_back({"packets " + c.name, c.value, {}});
    }
    add_counts(all, s.engine);
    all.push_back({"packets dropped on their way to another shard", s.passed_dropped, {}});
    for (std::size_t i = 0; i < s.queue.dropped.size(); ++i) {
        const std::string stream(format::stream_names()[i]);
        all.push_back({stream + " records dropped before slow sinks", s.queue.dropped[i], {}});
    }
    add_counts(all, s.extraction);
    add(all, {std::string(lost_to_file_system), 0, s.extraction.last_error});
    for (const auto& sink : s.sinks) {
        add(all, {"records refused by " + sink.name, sink.refused(), sink.last_loss});
        add(all, {"records for which too many waited for " + sink.name, sink.dropped_queue_full, sink.last_loss});
        add(all, {"records that " + sink.name + " had not taken at its end", sink.dropped_at_end, sink.last_loss});
    }
    return all;
}

std::string LossWatch::update(const std::vector<Loss>& now) {
    std::string text;
    for (const Loss& loss : now) {
        std::uint64_t& known = known_[loss.cause];
        if (loss.total > known) {
            text += (text.empty() ? "lost: " : ", ") + std::to_string(loss.total - known) + " " + loss.cause + " (" +
                    std::to_string(loss.total) + " in all)";
            if (!loss.detail.empty()) text.append(": ").append(within_sentence(loss.detail));
        }
        known = loss.total;
    }
    return text;
}

}  // namespace smtpscope::agent
