// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/reply_queue.h"

#include <algorithm>
#include <utility>

#include "smtp/guess.h"

namespace smtpscope::smtp {

ReplyQueue::ReplyQueue(const Limits& limits, Handler& handler) : limits_(&limits), handler_(&handler) {
    pending_.push_back({Verb::greeting, false, false, false, false, 0});
}

Disposition ReplyQueue::push(const Request& request, bool doubtful) {
    const auto [tag, disposition] = handler_->smtp_request(request);
    if (disposition != Disposition::follow) return disposition;
    if (limits_->pending_commands > 0 && pending_.size() - head_ >= limits_->pending_commands) {
        handler_->smtp_weird("smtp_excessive_pending_cmds", {}, smtp_source);
        lose_all();
    }
    const bool behind_gap = !empty() && last().behind_gap;
    pending_.push_back({request.verb, request.final, doubtful, false, behind_gap, tag});
    return disposition;
}

bool ReplyQueue::has(Verb verb) const {
    return std::any_of(pending_.begin() + static_cast<std::ptrdiff_t>(head_), pending_.end(),
                       [verb](const Pending& p) { return p.verb == verb; });
}

// ---- losses

void ReplyQueue::gap() {
    // The end of a reply is lost; in LMTP its request keeps waiting as long as replies for further recipients are due.
    if (std::exchange(continues_, false) && lmtp_due_ == 0)
        handler_->smtp_reply_lost(answered_.tag, answered_.verb, answered_.final);
    for (std::size_t i = head_; i < pending_.size(); ++i) pending_[i].before_gap = true;
    gap_ = true;
}

void ReplyQueue::lose_front() {
    const Pending p = pending_[head_++];
    if (p.verb == Verb::mail) envelope_.begin();
    handler_->smtp_reply_lost(p.tag, p.verb, p.final);
}

void ReplyQueue::lose_all() {
    while (!empty()) lose_front();
}

void ReplyQueue::lose_before_gap() {
    while (!empty() && front().before_gap) lose_front();
}

void ReplyQueue::doubt_since(std::size_t mark) {
    for (std::size_t i = mark; i < pending_.size(); ++i) pending_[i].behind_gap = true;
}

// ---- replies

/// Drops commands that this reply cannot answer.
void ReplyQueue::align(std::uint16_t code, std::string_view text, bool commands_lost) {
    // A client that continued after a loss in the server's stream had received the earlier replies.
    if (!empty() && !last().before_gap) lose_before_gap();
    // More was sent after a doubtful end, without waiting: this is the reply to the true one.
    if (!empty() && front().doubtful && last().verb == Verb::end_of_data)
        while (head_ + 1 < pending_.size()) lose_front();
    // Only DATA is answered with 354; if there is none here, it was lost.
    if (code == 354 && (commands_lost || has(Verb::data)))
        while (!empty() && front().verb != Verb::data) lose_front();
    if (gap_)
        if (const Verb verb = verb_of_reply(code, text); verb != Verb::unknown && has(verb))
            while (front().verb != verb) lose_front();
    // DATA is not answered with such a code: its 354 was lost if more was sent since.
    const std::size_t left = pending_.size() - head_;
    if (code < 300 && left > 1 && front().verb == Verb::data && (gap_ || left > 2)) lose_front();
}

bool ReplyQueue::begin_reply(std::uint16_t code, std::string_view text, bool commands_lost) {
    align(code, text, commands_lost);
    answered_ = {};
    // DATA is not answered with such a code: the reply is to a command that was lost.
    if (empty() || (commands_lost && front().verb == Verb::data && code < 300)) return false;
    answered_ = front();
    answered_.final |= answered_.doubtful;
    if (lmtp_ && answered_.final) {
        if (lmtp_due_ == 0) lmtp_due_ = std::max<std::uint32_t>(1, envelope_.accepted());
        answered_.final = --lmtp_due_ == 0;
        if (!answered_.final) return true;  // the next recipient's reply is to the same command (RFC 2033, 4.2)
    }
    pop();
    return true;
}

void ReplyQueue::pop() {
    ++head_;
    if (head_ < pending_.size() - head_) return;  // erased when half of it was answered: a constant cost for each
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
}

void ReplyQueue::finish_reply(std::uint16_t code) {
    envelope_.answered(answered_.verb, code);
    lmtp_ |= answered_.verb == Verb::lhlo && code == 250;
}

}  // namespace smtpscope::smtp
