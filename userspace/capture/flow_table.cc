// SPDX-License-Identifier: BSD-3-Clause
#include "capture/flow_table.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "capture/source.h"

namespace smtpscope::capture {
namespace {

/// The kernel programs may read the table at any time.
template <typename T>
void store(T& to, T value) {
    std::atomic_ref(to).store(value, std::memory_order_release);
}

template <typename T>
T load(T& from) {
    return std::atomic_ref(from).load(std::memory_order_acquire);
}

bool same(const smtpscope_ends& a, const smtpscope_ends& b) {
    return std::memcmp(&a, &b, sizeof(a)) == 0;
}

/// Whether there were packets since the last time.
bool note_packets(smtpscope_flow& flow) {
    bool more = false;
    for (smtpscope_sender& sender : flow.senders) {
        const auto packets = static_cast<std::uint32_t>(load(sender.delivered_packets) + load(sender.ignored_packets));
        more = more || packets != sender.noted;
        sender.noted = packets;
    }
    return more;
}

}  // namespace

std::uint32_t FlowTable::sets_for(std::uint64_t flows) {
    return static_cast<std::uint32_t>((flows + SMTPSCOPE_WAYS - 1) / SMTPSCOPE_WAYS);
}

FlowTable::FlowTable(int fd, std::uint32_t sets) : count_(sets) {
    void* p = mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) throw Error(std::string("cannot map the table of flows: ") + std::strerror(errno));
    sets_ = static_cast<smtpscope_flow_set*>(p);
}

FlowTable::~FlowTable() {
    munmap(sets_, size());
}

FlowTable::Place FlowTable::place(std::uint64_t key, std::size_t way) const {
    smtpscope_flow_set& set = sets_[smtpscope_flow_set_of(key, count_)];
    return {set.keys[way], set.flows[way]};
}

/// In the set of `key`, the one that holds the key `held`; 0: a free one.
std::optional<FlowTable::Place> FlowTable::find_place(std::uint64_t key, std::uint64_t held) const {
    for (std::size_t way = 0; way < SMTPSCOPE_WAYS; ++way)
        if (const Place here = place(key, way); here.key == held) return here;
    return std::nullopt;
}

FlowTable::Place FlowTable::make_room(std::uint64_t key) {
    if (const auto own = find_place(key)) return *own;
    if (const auto free = find_place(key, 0)) return *free;
    // Second chance: a flow that has had a packet since it was checked last stays for one more round.
    for (int asked = 0;; ++asked) {
        const Place here = place(key, hand_++ % SMTPSCOPE_WAYS);
        if (!note_packets(here.flow) || asked == SMTPSCOPE_WAYS) return here;
    }
}

void FlowTable::set(std::uint64_t key, const smtpscope_flow& flow) {
    const std::lock_guard lock(mutex_);
    const Place place = make_room(key);
    if (place.key != key || !same(place.flow.ends, flow.ends)) {
        // Not found by anyone while it is half the old flow and half the new one.
        store(place.key, __u64{0});
        std::atomic_thread_fence(std::memory_order_seq_cst);
        place.flow = flow;
        place.flow.senders[0].noted = ~0U;  // as if there had been packets: it stays for a round
        store(place.key, __u64{key});
        return;
    }
    for (int sender = 0; sender < 2; ++sender) store(place.flow.senders[sender].verdict, flow.senders[sender].verdict);
}

void FlowTable::remove(std::uint64_t key, const smtpscope_ends& ends) {
    const std::lock_guard lock(mutex_);
    const auto place = find_place(key);
    if (place && same(place->flow.ends, ends)) store(place->key, __u64{0});
}

std::optional<smtpscope_flow> FlowTable::find(std::uint64_t key, const smtpscope_ends& ends) const {
    const std::lock_guard lock(mutex_);
    const auto place = find_place(key);
    if (!place || !same(place->flow.ends, ends)) return std::nullopt;
    return place->flow;
}

}  // namespace smtpscope::capture
