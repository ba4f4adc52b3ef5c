// SPDX-License-Identifier: BSD-3-Clause
#include "agent/record_queue.h"

namespace smtpscope::agent {

void RecordQueue::smtp(const Info& rec) {
    push(rec);
}

void RecordQueue::weird(const Weird& rec) {
    push(rec);
}

void RecordQueue::file(const FileInfo& rec) {
    push(rec);
}

void RecordQueue::ssl(const SslInfo& rec) {
    push(rec);
}

void RecordQueue::notice(const Notice& rec) {
    push(rec);
}

void RecordQueue::software(const Software& rec) {
    push(rec);
}

bool RecordQueue::has_room(std::size_t bytes) const {
    // A record that alone is larger than the limit still goes through an empty queue.
    const std::size_t held = bytes_ + taken_bytes_;
    return records_.size() + taken_ < limits_.records && (held == 0 || held + bytes <= limits_.bytes);
}

void RecordQueue::push(Record&& record) {
    const std::size_t bytes = footprint(record);
    std::unique_lock lock(mutex_);
    if (!has_room(bytes)) drained_.wait_until(lock, wait_until_, [&] { return has_room(bytes); });
    if (!has_room(bytes)) {
        ++dropped_[record.index()];
        return;
    }
    records_.push_back(std::move(record));
    bytes_ += bytes;
    if (records_.size() == 1) filled_.notify_one();
}

void RecordQueue::wait_when_full(std::chrono::steady_clock::time_point deadline) {
    const std::lock_guard lock(mutex_);
    wait_until_ = deadline;
}

void RecordQueue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_one();
}

void RecordQueue::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    filled_.notify_one();
}

bool RecordQueue::take(std::vector<Record>& batch) {
    batch.clear();
    std::unique_lock lock(mutex_);
    taken_ = taken_bytes_ = 0;
    drained_.notify_one();
    filled_.wait(lock, [&] { return closed_ || woken_ || !records_.empty(); });
    woken_ = false;
    batch.swap(records_);
    taken_ = batch.size();
    taken_bytes_ = bytes_;
    bytes_ = 0;
    return !closed_ || !batch.empty();
}

QueueStats RecordQueue::stats() const {
    const std::lock_guard lock(mutex_);
    return {.pending = records_.size() + taken_, .pending_bytes = bytes_ + taken_bytes_, .dropped = dropped_};
}

}  // namespace smtpscope::agent
