// SPDX-License-Identifier: BSD-3-Clause
#include "capture/accounts.h"

#include <algorithm>

namespace smtpscope::capture {

Accounts::Accounts(Programs& programs) : programs_(programs), used_(SMTPSCOPE_SLOTS) {
    used_[0] = used_[SMTPSCOPE_SLOT_OF_GONE] = true;
    if (!programs_.took_over()) return;
    for (unsigned ifindex = 0; ifindex < SMTPSCOPE_INTERFACES; ++ifindex) {
        const unsigned slot = programs_.slot_of(ifindex);
        if (slot == 0 || used_[slot]) continue;
        used_[slot] = true;
        slots_[ifindex] = slot;
    }
    // Counts left in the slots of interfaces that disappeared earlier.
    for (unsigned slot = 1; slot < SMTPSCOPE_SLOTS; ++slot)
        if (!used_[slot] && programs_.counters(slot).packets[SMTPSCOPE_SEEN] != 0) {
            used_[slot] = true;
            closed_.push_back(slot);
        }
}

/// A slot that was never used, or else that of the interface that disappeared first; 0 if there is none.
unsigned Accounts::free_slot() {
    const auto fresh = std::find(used_.begin(), used_.end(), false);
    if (fresh != used_.end()) {
        *fresh = true;
        return static_cast<unsigned>(fresh - used_.begin());
    }
    if (closed_.empty()) return 0;
    const unsigned slot = closed_.front();
    closed_.erase(closed_.begin());
    programs_.move_counters(slot, SMTPSCOPE_SLOT_OF_GONE);
    return slot;
}

void Accounts::open(unsigned ifindex) {
    if (has(ifindex)) return;
    const unsigned slot = free_slot();
    if (slot == 0) return;
    slots_[ifindex] = slot;
    programs_.set_slot(ifindex, slot);
}

void Accounts::close(unsigned ifindex) {
    const auto it = slots_.find(ifindex);
    if (it == slots_.end()) return;
    programs_.set_slot(ifindex, 0);
    programs_.set_bridge(it->second, 0);
    closed_.push_back(it->second);
    slots_.erase(it);
}

void Accounts::set_bridge(unsigned ifindex, unsigned bridge) {
    const auto it = slots_.find(ifindex);
    if (it != slots_.end()) programs_.set_bridge(it->second, bridge);
}

smtpscope_counters Accounts::total() const {
    smtpscope_counters sum{};
    for (unsigned slot = 0; slot < SMTPSCOPE_SLOTS; ++slot)
        if (used_[slot]) add(sum, programs_.counters(slot));
    return sum;
}

std::vector<Account> Accounts::by_interface() const {
    std::vector<Account> all;
    Account rest;
    for (const unsigned slot : {0U, unsigned{SMTPSCOPE_SLOT_OF_GONE}}) add(rest.counters, programs_.counters(slot));
    for (const unsigned slot : closed_) add(rest.counters, programs_.counters(slot));
    for (const auto& [ifindex, slot] : slots_) all.push_back({ifindex, programs_.counters(slot)});
    all.push_back(rest);
    return all;
}

}  // namespace smtpscope::capture
