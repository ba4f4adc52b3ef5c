// SPDX-License-Identifier: BSD-3-Clause
// The verdicts, as the kernel programs read them: the map `flows`, to which nothing else adds and from which nothing
// else removes entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "smtpscope/kernel_abi.h"

namespace smtpscope::capture {

/// Thread-safe.
class FlowTable {
  public:
    /// The number of sets for so many flows.
    static std::uint32_t sets_for(std::uint64_t flows);

    /// `fd`: of the map or file to be mapped, with room for `sets`. Throws Error.
    FlowTable(int fd, std::uint32_t sets);
    ~FlowTable();
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;

    /// `key`: the hash of its ends. Of a flow that has an entry the verdicts are set, and what has been counted stays.
    /// Another takes the place of the flow with the same key, else a free one in its set, else that of a flow which has
    /// had no packet for long.
    void set(std::uint64_t key, const smtpscope_flow& flow);
    void remove(std::uint64_t key, const smtpscope_ends& ends);
    std::optional<smtpscope_flow> find(std::uint64_t key, const smtpscope_ends& ends) const;

  private:
    /// Where a flow is or would be.
    struct Place {
        __u64& key;
        smtpscope_flow& flow;
    };

    Place place(std::uint64_t key, std::size_t way) const;
    std::optional<Place> find_place(std::uint64_t key) const { return find_place(key, key); }
    std::optional<Place> find_place(std::uint64_t key, std::uint64_t held) const;
    Place make_room(std::uint64_t key);

    std::size_t size() const { return count_ * sizeof(smtpscope_flow_set); }

    smtpscope_flow_set* sets_;
    std::uint32_t count_;
    mutable std::mutex mutex_;
    std::size_t hand_ = 0;  ///< the way that is checked first when a flow has to be replaced (second-chance eviction)
};

}  // namespace smtpscope::capture
