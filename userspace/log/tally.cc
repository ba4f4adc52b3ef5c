// SPDX-License-Identifier: BSD-3-Clause
#include "log/tally.h"

#include <utility>

namespace smtpscope::log {

Tally::Tally(std::string name) {
    status_.name = std::move(name);
}

void Tally::wrote(std::uint64_t records) {
    if (records == 0) return;
    const std::lock_guard lock(mutex_);
    status_.written += records;
    status_.last_error.clear();
    state_ = State::well;
}

void Tally::dropped(std::uint64_t records, LossCause cause, const std::string& why) {
    const std::lock_guard lock(mutex_);
    status_.dropped += records;
    if (cause == LossCause::queue_full) status_.dropped_queue_full += records;
    if (cause == LossCause::ended) status_.dropped_at_end += records;
    // A full queue is the consequence of a problem that was reported already.
    if (cause == LossCause::refused || status_.last_error.empty()) status_.last_error = why;
    status_.last_loss = status_.last_error;
    state_ = State::losing;
}

void Tally::waits(const std::string& why) {
    const std::lock_guard lock(mutex_);
    status_.last_error = why;
    if (state_ == State::well) state_ = State::waiting;
}

void Tally::failed(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (failure_ != why) failure_is_told_ = false;
    failure_ = why;
}

void Tally::all_is_done() {
    const std::lock_guard lock(mutex_);
    failure_.clear();
    failure_is_told_ = true;
}

SinkStatus Tally::status() const {
    const std::lock_guard lock(mutex_);
    SinkStatus status = status_;
    if (status.last_error.empty()) status.last_error = failure_;
    return status;
}

std::optional<std::string> Tally::news(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!failure_is_told_) {
        failure_is_told_ = true;
        return status_.name + ": " + failure_;
    }
    if (state_ == told_state_ || (told_ && now - *told_ < between_news)) return std::nullopt;
    told_ = now;
    told_state_ = state_;
    return status_.name + ": " + sentence();
}

std::string Tally::sentence() const {
    if (state_ == State::losing) return "records are being lost: " + status_.last_error;
    if (state_ == State::waiting) return "records wait: " + status_.last_error;
    return "records are written again; " + std::to_string(status_.dropped) + " were lost so far.";
}

}  // namespace smtpscope::log
