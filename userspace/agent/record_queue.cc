// SPDX-License-Identifier: BSD-3-Clause
#include "agent/record_queue.h"

#include <type_traits>

namespace smtpscope::agent {

namespace {

std::size_t size_of(const std::optional<std::string>& s) {
    return s ? s->capacity() : 0;
}

std::size_t size_of(const std::optional<StringSet>& set) {
    std::size_t n = 0;
    if (set) {
        for (const std::string& s : *set) n += sizeof(std::string) + s.capacity();
    }
    return n;
}

std::size_t size_of(const Info& r) {
    std::size_t n = sizeof r + r.uid.capacity() + r.path.capacity() * sizeof(Address);
    for (const auto* s : {&r.helo, &r.mailfrom, &r.date, &r.from, &r.reply_to, &r.msg_id, &r.in_reply_to, &r.subject,
                          &r.first_received, &r.second_received, &r.last_reply, &r.user_agent}) {
        n += size_of(*s);
    }
    for (const auto* set : {&r.rcptto, &r.to, &r.cc}) n += size_of(*set);
    for (const auto* s : {&r.subject_decoded, &r.from_decoded, &r.queue_id, &r.enhanced_status, &r.auth_mechanism,
                          &r.auth_user, &r.direction, &r.community_id, &r.tls_version}) {
        n += size_of(*s);
    }
    for (const auto* list : {&r.fuids, &r.rejected_rcptto, &r.extensions}) {
        for (const std::string& s : *list) n += sizeof(std::string) + s.capacity();
    }
    return n;
}

std::size_t size_of(const FileInfo& r) {
    std::size_t n = sizeof r + r.fuid.capacity() + r.uid.capacity() + r.source.capacity();
    for (const auto* s : {&r.mime_type, &r.filename, &r.parent_fuid, &r.md5, &r.sha1, &r.sha256, &r.extracted}) {
        n += size_of(*s);
    }
    return n;
}

std::size_t size_of(const SslInfo& r) {
    std::size_t n = sizeof r + r.uid.capacity();
    for (const auto* s : {&r.version, &r.cipher, &r.curve, &r.server_name, &r.last_alert, &r.next_protocol}) {
        n += size_of(*s);
    }
    return n;
}

std::size_t size_of(const Notice& r) {
    return sizeof r + r.uid.capacity() + r.note.capacity() + r.msg.capacity() + r.sub.capacity();
}

std::size_t size_of(const Software& r) {
    return sizeof r + r.software_type.capacity() + r.name.capacity() + size_of(r.version_addl) +
           r.unparsed_version.capacity();
}

std::size_t size_of(const Weird& r) {
    return sizeof r + r.uid.capacity() + r.name.capacity() + r.addl.capacity() + r.source.capacity();
}

}  // namespace

std::size_t footprint(const Record& record) {
    return std::visit([](const auto& r) { return size_of(r); }, record);
}

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
    // A record that is larger than the limit by itself still goes through an empty queue.
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
