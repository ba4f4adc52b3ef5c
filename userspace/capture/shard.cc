// SPDX-License-Identifier: BSD-3-Clause
#include "capture/shard.h"

#include <algorithm>

namespace smtpscope::capture {

void ChecksumInterfaces::set(std::vector<std::uint32_t> ifindexes) {
    const std::lock_guard lock(mutex_);
    ifindexes_ = std::move(ifindexes);
    generation_.fetch_add(1, std::memory_order_release);
}

std::vector<std::uint32_t> ChecksumInterfaces::get() const {
    const std::lock_guard lock(mutex_);
    return ifindexes_;
}

SourceStatus Shard::poll(Duration timeout, const PacketHandler& handler) {
    if (const std::uint64_t now = checksums_.generation(); now != generation_) {
        whole_ = checksums_.get();
        generation_ = now;
    }
    reader_.clock().refresh();
    const auto read = [&](std::span<const std::byte> record) {
        reader_.read(
            record, [&](std::uint32_t i) { return has_whole_checksums(i); }, handler);
    };
    if (ring_.consume(read) == 0) {
        ring_.wait(std::min(timeout, longest_poll_));
        reader_.clock().refresh();  // the system's clock may have been set since
        ring_.consume(read);
    }
    return SourceStatus::more;
}

bool Shard::has_whole_checksums(std::uint32_t ifindex) const {
    return std::find(whole_.begin(), whole_.end(), ifindex) != whole_.end();
}

}  // namespace smtpscope::capture
