// SPDX-License-Identifier: BSD-3-Clause
// The kernel's accounts by interface: which interface has which slot, and the counts of interfaces that are gone.
#pragma once

#include <map>
#include <vector>

#include "capture/programs.h"

namespace smtpscope::capture {

/// The accounts of one interface; of those that are gone, and of those for which there was no slot, together.
struct Account {
    unsigned ifindex = 0;  ///< 0 for the rest
    smtpscope_counters counters{};
};

class Accounts {
  public:
    /// Continues with the slots that an earlier process assigned.
    explicit Accounts(Programs& programs);

    /// Before anything is attached. Without a free slot the interface counts among the rest.
    void open(unsigned ifindex);
    /// After everything was detached: what was counted stays in the total.
    void close(unsigned ifindex);
    bool has(unsigned ifindex) const { return slots_.count(ifindex) != 0; }
    /// The interface is a port of that bridge; 0: of none.
    void set_bridge(unsigned ifindex, unsigned bridge);

    smtpscope_counters total() const;
    std::vector<Account> by_interface() const;

  private:
    unsigned free_slot();

    Programs& programs_;
    std::map<unsigned, unsigned> slots_;  ///< by ifindex
    std::vector<unsigned> closed_;        ///< slots of interfaces that are gone, not cleared yet, the oldest first
    std::vector<bool> used_;  ///< by slot; the first is shared by all others, the last has the counts of closed ones
};

}  // namespace smtpscope::capture
