// SPDX-License-Identifier: BSD-3-Clause
// The live source: loads and attaches the kernel programs, reads the ring, writes verdicts. The only user of libbpf.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/attachment.h"
#include "capture/inheritance.h"
#include "capture/shard.h"
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

class LiveSource {
  public:
    /// Loads and attaches. `inherited`: what an earlier process kept; what of it is of use goes on without a packet
    /// being lost, the rest ends. Throws Error: no capability, no such interface, an instance on it already, ...
    explicit LiveSource(const Options& options, Inheritance inherited = {});
    ~LiveSource();

    unsigned shards() const;
    /// Both directions of a connection come from the same one. Each may be read by a thread of its own.
    Source& shard(unsigned number);
    /// The one that a whole IP packet (LinkType::raw_ip) belongs to; 0 if it is none of TCP.
    unsigned shard_of(const Packet& packet) const;

    /// Whether the rings are an earlier process's, with what was captured since.
    bool took_over() const;
    /// Why what an earlier process kept was of no use; empty if it was, or if nothing was kept.
    const std::string& begun_anew() const;
    /// What a later process would take over, as of now; the descriptors stay ours. Thread-safe.
    std::vector<Kept> kept() const;
    /// From now on the end of this object leaves attached what does not go with a descriptor (clsact filters): another
    /// process will take over at once.
    void hand_over();

    /// Thread-safe. The verdict on what each end of `id` sends.
    void set_verdict(const ConnId& id, Verdict orig, Verdict resp);
    void forget(const ConnId& id);

    /// What the kernel remembers of a flow that a verdict was set for; nullopt if nothing (more). Thread-safe.
    std::optional<FlowCounters> flow(const ConnId& id) const;

    /// Thread-safe. Every cause by its name in kernel_abi.h, the totals `ignored` and `lost`, bytes of IP packets as
    /// `bytes_*`, `wakeups`, and `in_flight`: packets in the programs' hands while this was read, which are in no other
    /// number. So seen = delivered + ignored + lost in any snapshot.
    std::vector<Counter> counters() const;
    /// Thread-safe. The same for each interface: of one that is attached to, and (nameless) of all others together.
    struct OfInterface {
        std::string interface;
        unsigned ifindex = 0;
        std::vector<Counter> counters;
    };
    std::vector<OfInterface> interface_counters() const;
    /// Thread-safe. Bytes in each ring that await poll(), and its size.
    std::vector<RingLevel> ring_levels() const;
    /// Thread-safe.
    std::vector<Attachment> attachments() const;
    /// Follows interfaces that have come, gone or changed since the last call; cheap when nothing has. Throws Error,
    /// once and after having done what it could, to tell of interfaces that are wanted and cannot be attached to; those
    /// that the constructor had to leave are told of by the first call. Thread-safe.
    void follow_interfaces();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Removes what a killed agent left attached (clsact filters with our handle); the lines say what was removed.
std::vector<std::string> detach_leftovers();

}  // namespace smtpscope::capture
