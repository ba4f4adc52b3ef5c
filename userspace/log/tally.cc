// SPDX-License-Identifier: BSD-3-Clause
#include "log/tally.h"

#include <utility>

namespace smtpscope::log {

Tally::Tally(std::string name) {
    status_.name = std::move(name);
}

void Tally::wrote(std::uint64_t records) {
    const std::lock_guard lock(mutex_);
    status_.written += records;
    losing_ = false;
}

void Tally::dropped(std::uint64_t records, const std::string& why) {
    const std::lock_guard lock(mutex_);
    status_.dropped += records;
    status_.last_error = why;
    losing_ = true;
}

void Tally::inherit(const SinkStatus& before) {
    const std::lock_guard lock(mutex_);
    status_.written += before.written;
    status_.dropped += before.dropped;
}

void Tally::failed(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (status_.last_error != why) trouble_ = why;
    status_.last_error = why;
}

SinkStatus Tally::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

std::optional<std::string> Tally::news() {
    const std::lock_guard lock(mutex_);
    if (!trouble_.empty()) return status_.name + ": " + std::exchange(trouble_, {});
    if (losing_ == reported_losing_) return std::nullopt;
    reported_losing_ = losing_;
    if (losing_) {
        return status_.name + ": records are being lost: " + status_.last_error;
    }
    return status_.name + ": records are written again; " + std::to_string(status_.dropped) + " were lost so far.";
}

}  // namespace smtpscope::log
