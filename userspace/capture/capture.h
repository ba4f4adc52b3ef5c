// SPDX-License-Identifier: BSD-3-Clause
// What the agent needs of a live capture: packets by shard, verdicts for the kernel, and counters.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/attachment.h"
#include "capture/inheritance.h"
#include "capture/source.h"
#include "smtpscope/kernel_abi.h"
#include "smtpscope/records.h"

namespace smtpscope::capture {

/// A named counter of the kernel programs, summed over all CPUs.
struct Counter {
    std::string name;
    std::uint64_t value = 0;
};

struct FlowCounters {
    Verdict orig = Verdict::copy;  ///< on what each end sends
    Verdict resp = Verdict::copy;
    std::uint64_t delivered_packets = 0;
    std::uint64_t delivered_bytes = 0;  ///< copied
    std::uint64_t ignored_packets = 0;
    std::uint64_t ignored_bytes = 0;
};

/// The counters of an interface that is attached to, or (nameless) of all others together.
struct InterfaceCounters {
    std::string interface;
    unsigned ifindex = 0;
    std::vector<Counter> counters;
};

/// Bytes in a ring that await poll(), and its size.
struct RingLevel {
    std::uint64_t used = 0;
    std::uint64_t size = 0;
};

/// Any thread may call the functions, except those that begin and end the capture: took_over() to hand_over().
class Capture {
  public:
    virtual ~Capture() = default;

    virtual unsigned shards() const = 0;
    /// Both directions of a connection come from the same one. Each may be read by a thread of its own.
    virtual Source& shard(unsigned number) = 0;
    /// The one that a whole IP packet (LinkType::raw_ip) belongs to; 0 if it is not TCP.
    virtual unsigned shard_of(const Packet& packet) const = 0;

    /// Whether the rings were taken over from an earlier process, with what was captured since.
    virtual bool took_over() const = 0;
    /// Why what an earlier process kept could not be used; empty if it was, or if nothing was kept.
    virtual const std::string& begun_anew() const = 0;
    /// What a later process would take over, as of now; the descriptors stay ours.
    virtual std::vector<Kept> kept() const = 0;
    /// From now on the end of this object leaves attached what does not go with a descriptor (clsact filters): another
    /// process will take over at once.
    virtual void hand_over() = 0;

    /// The verdict on what each end of `id` sends.
    virtual void set_verdict(const ConnId& id, Verdict orig, Verdict resp) = 0;
    virtual void forget(const ConnId& id) = 0;
    /// What the kernel remembers of a flow that a verdict was set for; nullopt if nothing (more).
    virtual std::optional<FlowCounters> flow(const ConnId& id) const = 0;

    /// Every cause by its name in kernel_abi.h, the totals `ignored` and `lost`, bytes of IP packets as `bytes_*`,
    /// `wakeups`, and `in_flight`: packets that the programs were processing while this was read; they are in no other
    /// number. So seen = delivered + ignored + lost in any snapshot.
    virtual std::vector<Counter> counters() const = 0;
    virtual std::vector<InterfaceCounters> interface_counters() const = 0;
    /// By shard.
    virtual std::vector<RingLevel> ring_levels() const = 0;
    virtual std::vector<Attachment> attachments() const = 0;
    /// Follows interfaces that have come, gone or changed since the last call; cheap when nothing has. Throws Error,
    /// once and after having done what it could, to tell of interfaces that are wanted and cannot be attached to; those
    /// that could not be attached to at the start are named by the first call.
    virtual void follow_interfaces() = 0;
};

/// Begins a capture. `inherited`: what an earlier process kept; what can be used goes on without a packet being
/// lost, the rest ends. Throws Error: no capability, no such interface, an instance on it already, ...
using OpenCapture = std::function<std::unique_ptr<Capture>(const Options& options, Inheritance inherited)>;

}  // namespace smtpscope::capture
