// SPDX-License-Identifier: BSD-3-Clause
// Tables of a fixed size for what is remembered about hosts. Both are divided into sets of eight entries: a key can
// only be in its own set, so that no event looks at more than eight entries, and one host evicts nothing outside its
// set. Which set that is depends on a seed, so that a peer who chooses addresses cannot aim at one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "records/zeroed.h"
#include "smtpscope/address.h"
#include "smtpscope/time.h"

namespace smtpscope::records {

/// Milliseconds since the epoch: coarse enough that no difference or sum of two of them overflows.
std::int64_t to_milliseconds(Timestamp t);

/// A 64-bit number that depends on every bit of both.
std::uint64_t mix(std::uint64_t a, std::uint64_t b);
std::uint64_t mix(std::uint64_t a, const Address& b);

/// What was reported recently. A full set evicts its oldest entry: then something may be reported twice.
class RecentKeys {
  public:
    /// `capacity` is rounded up to a power of two, from 8 to 2^24.
    explicit RecentKeys(std::size_t capacity);

    /// False if `key` was inserted less than `lifetime` ago (or less than that ahead, if time went back); otherwise
    /// inserts it. Keys are results of mix(). Times are in milliseconds.
    bool insert(std::uint64_t key, std::int64_t now, std::int64_t lifetime);
    std::size_t capacity() const { return capacity_; }

  private:
    struct Entry {
        std::uint64_t key;  ///< 0: empty
        std::int64_t time;
    };
    std::size_t capacity_;
    Zeroed<Entry> entries_;
};

/// Counts events of hosts in a sliding window: IPv4 by address, IPv6 by /64, as one host has all of that.
///
/// The window is made of eight buckets, the newest of which is not full yet: counted events are never older than the
/// window, and at least seven eighths of it are covered. A full set evicts the host with the fewest events in its
/// window; of several, the least recently seen. A new host brings one event, so a flood of new hosts evicts other new
/// hosts, not one with many events.
class BurstTable {
  public:
    struct Burst {
        enum class State { below, suppressed, due } state = State::below;
        /// Events since the burst began; after the first notice all are counted until a window passes without any.
        std::uint64_t n = 0;
    };

    /// `capacity` is rounded up to a power of two, from 8 to 2^24; `window` is at least eight milliseconds.
    BurstTable(std::size_t capacity, Duration window, std::uint64_t seed);

    /// One event of `host`. A notice is due if there were `threshold` of them in the window, at most once in
    /// `suppression` milliseconds.
    Burst count(const Address& host, std::int64_t now, std::uint32_t threshold, std::int64_t suppression);
    std::size_t capacity() const { return capacity_; }
    std::size_t hosts() const { return hosts_; }        ///< remembered, idle ones included
    std::uint64_t evicted() const { return evicted_; }  ///< while they had events in their windows

  private:
    static constexpr std::size_t buckets = 8;
    struct Host {
        std::int64_t newest;       ///< number of the bucket that the latest time is in
        std::int64_t quiet_until;  ///< no notice before this time
        std::uint64_t total;       ///< of a burst that was noticed; else 0
        std::uint32_t counts[buckets];
        void advance(std::int64_t bucket);
        std::uint64_t sum() const;
    };
    std::size_t slot_of(std::uint64_t key, std::int64_t bucket);
    std::size_t weakest(std::size_t set, std::int64_t bucket);

    std::size_t capacity_;
    std::int64_t bucket_length_;  ///< in milliseconds
    std::uint64_t seed_;
    Zeroed<std::uint64_t> keys_;  ///< kept apart, so that those of a set are one cache line; 0: empty
    Zeroed<Host> table_;
    std::size_t hosts_ = 0;
    std::uint64_t evicted_ = 0;
};

}  // namespace smtpscope::records
