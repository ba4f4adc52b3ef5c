// SPDX-License-Identifier: BSD-3-Clause
#include "records/host_table.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <numeric>

namespace smtpscope::records {

namespace {

constexpr std::size_t ways = 8, most_entries = std::size_t{1} << 24;

std::size_t rounded(std::size_t capacity) {
    return std::bit_ceil(std::clamp(capacity, ways, most_entries));
}

/// The first entry of the set that a mixed key belongs to.
std::size_t set_of(std::uint64_t mixed, std::size_t capacity) {
    return static_cast<std::size_t>(mixed) & (capacity - 1) & ~(ways - 1);
}

std::uint64_t half(const Address& a, std::size_t first) {
    std::uint64_t value = 0;
    for (std::size_t i = first; i < first + 8; ++i) value = value << 8 | a.bytes()[i];
    return value;
}

/// The part of an address that names one host, never 0. No IPv6 network in use has the form of the IPv4 keys.
std::uint64_t host_key(const Address& a) {
    return std::max<std::uint64_t>(half(a, a.is_v4() ? 8 : 0), 1);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

std::int64_t to_milliseconds(Timestamp t) {
    return std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    std::uint64_t h = (a ^ 0x9E3779B97F4A7C15ULL) * 0xD6E8FEB86659FD93ULL;
    h = (h ^ (h >> 32) ^ b) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ (h >> 29)) * 0x94D049BB133111EBULL;
    return h ^ (h >> 32);
}

std::uint64_t mix(std::uint64_t a, const Address& b) {
    return mix(mix(a, half(b, 0)), half(b, 8));
}

RecentKeys::RecentKeys(std::size_t capacity) : capacity_(rounded(capacity)), entries_(zeroed<Entry>(capacity_)) {}

bool RecentKeys::insert(std::uint64_t key, std::int64_t now, std::int64_t lifetime) {
    if (lifetime <= 0) return true;
    key = std::max<std::uint64_t>(key, 1);
    Entry* const set = &entries_[set_of(key, capacity_)];
    Entry* const end = set + ways;
    if (Entry* const found = std::find_if(set, end, [&](const Entry& e) { return e.key == key; }); found != end) {
        if (now - found->time < lifetime && found->time - now < lifetime) return false;
        found->time = now;
        return true;
    }
    Entry* const stalest = std::min_element(set, end, [](const Entry& a, const Entry& b) {
        return (a.key == 0) != (b.key == 0) ? a.key == 0 : a.time < b.time;
    });
    *stalest = {key, now};
    return true;
}

void BurstTable::Host::advance(std::int64_t bucket) {
    constexpr auto n = static_cast<std::int64_t>(buckets);
    const std::int64_t passed = bucket - newest;
    if (passed <= 0 && passed > -n) return;  // packets are nearly in order
    if (passed <= -n || passed >= n) {
        std::fill(std::begin(counts), std::end(counts), 0U);
    } else {
        for (std::int64_t b = newest + 1; b <= bucket; ++b) counts[static_cast<std::uint64_t>(b) % buckets] = 0;
    }
    newest = bucket;
}

std::uint64_t BurstTable::Host::sum() const {
    return std::accumulate(std::begin(counts), std::end(counts), std::uint64_t{0});
}

BurstTable::BurstTable(std::size_t capacity, Duration window, std::uint64_t seed)
    : capacity_(rounded(capacity)),
      bucket_length_(std::max<std::int64_t>(
          1, std::chrono::duration_cast<std::chrono::milliseconds>(window).count() / std::int64_t{buckets})),
      seed_(seed),
      keys_(zeroed<std::uint64_t>(capacity_)),
      table_(zeroed<Host>(capacity_)) {}

std::size_t BurstTable::weakest(std::size_t set, std::int64_t bucket) {
    std::size_t victim = set;
    std::uint64_t fewest = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = set; i < set + ways; ++i) {
        table_[i].advance(bucket);
        const std::uint64_t events = table_[i].sum();
        if (events < fewest || (events == fewest && table_[i].newest < table_[victim].newest)) {
            victim = i;
            fewest = events;
        }
    }
    if (fewest > 0) ++evicted_;
    return victim;
}

std::size_t BurstTable::slot_of(std::uint64_t key, std::int64_t bucket) {
    const std::size_t set = set_of(mix(seed_, key), capacity_);
    std::size_t slot = set;
    while (slot < set + ways && keys_[slot] != key && keys_[slot] != 0) ++slot;  // all after an empty one are empty
    if (slot < set + ways && keys_[slot] == key) return slot;
    if (slot < set + ways) {
        ++hosts_;
    } else {
        slot = weakest(set, bucket);
    }
    keys_[slot] = key;
    table_[slot] = Host{bucket, std::numeric_limits<std::int64_t>::min(), 0, {}};
    return slot;
}

BurstTable::Burst BurstTable::count(const Address& host, std::int64_t now, std::uint32_t threshold,
                                    std::int64_t suppression) {
    const std::int64_t bucket = floor_divide(now, bucket_length_);
    Host& h = table_[slot_of(host_key(host), bucket)];
    h.advance(bucket);
    std::uint64_t events = h.sum();
    if (events == 0) h.total = 0;
    std::uint32_t& newest = h.counts[static_cast<std::uint64_t>(h.newest) % buckets];
    if (newest < std::numeric_limits<std::uint32_t>::max()) ++newest;
    ++events;
    if (h.total > 0) {
        ++h.total;
    } else if (events >= threshold) {
        h.total = events;
    }
    if (events < threshold) return {};
    if (now < h.quiet_until && h.quiet_until - now <= suppression) return {Burst::State::suppressed, h.total};
    h.quiet_until = now + suppression;
    return {Burst::State::due, h.total};
}

}  // namespace smtpscope::records
