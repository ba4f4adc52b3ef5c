// SPDX-License-Identifier: BSD-3-Clause
// The live source: loads and attaches the kernel programs, reads the ring, writes verdicts. The only user of libbpf.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/source.h"
#include "smtpscope/kernel_abi.h"
#include "smtpscope/records.h"

namespace smtpscope::capture {

enum class AttachKind { xdp_native, xdp_generic, tc_ingress, tc_egress };
enum class AttachMeans { link, tcx, clsact };

/// One program on one interface.
struct Attachment {
    std::string interface;
    unsigned ifindex = 0;
    AttachKind kind = AttachKind::xdp_native;
    AttachMeans means = AttachMeans::link;
    std::string reason;  ///< why not a better kind; empty if this is the best
};

/// A named counter of the kernel programs, summed over all CPUs.
struct Counter {
    std::string name;
    std::uint64_t value = 0;
};

struct FlowCounters {
    Verdict verdict = Verdict::copy;
    std::uint64_t delivered_packets = 0;
    std::uint64_t delivered_bytes = 0;  ///< copied
    std::uint64_t ignored_packets = 0;
    std::uint64_t ignored_bytes = 0;
};

struct RingLevel {
    std::uint64_t used = 0;
    std::uint64_t size = 0;
};

class LiveSource final : public Source {
  public:
    /// Loads and attaches. Throws Error: no capability, no BTF, no such interface, an instance on it already, ...
    explicit LiveSource(const Options& options);
    ~LiveSource() override;

    SourceStatus poll(Duration timeout, const PacketHandler& handler) override;

    /// Thread-safe. `id` in either orientation.
    void set_verdict(const ConnId& id, Verdict verdict);
    void forget(const ConnId& id);

    /// What the kernel remembers of a flow that a verdict was set for; nullopt if nothing (more). Thread-safe.
    std::optional<FlowCounters> flow(const ConnId& id) const;

    /// Thread-safe. Every cause by its name in kernel_abi.h, the totals `ignored` and `lost`, bytes of IP packets as
    /// `bytes_*`, `wakeups`, and `in_flight`: packets in the programs' hands while this was read, which are in no other
    /// number. So seen = delivered + ignored + lost in any snapshot.
    std::vector<Counter> counters() const;
    /// Thread-safe. Bytes in the ring that await poll(), and its size.
    RingLevel ring_level() const;
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
