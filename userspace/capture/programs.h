// SPDX-License-Identifier: BSD-3-Clause
// The kernel programs and their maps, loaded and not yet attached.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "capture/flow_table.h"
#include "capture/inheritance.h"
#include "capture/source.h"
#include "smtpscope/kernel_abi.h"

struct tap;

namespace smtpscope::capture {

enum class Program {
    xdp,
    xdp_frags,  ///< for packets in several pages; absent before 5.18
    tc_ingress,
    tc_egress,
    tc_ingress_raw,  ///< for interfaces without an Ethernet header
    tc_egress_raw,
};

/// The name of each of our programs begins with this.
inline constexpr const char* program_prefix = "smtpscope_";

/// The kernel's features, found by trying.
struct Features {
    bool ring_buffer = false;  ///< 5.8
    bool xdp = false;
    bool xdp_frags = false;  ///< 5.18
    bool tc = false;
};
Features probe_features();

/// bpf_ringbuf sizes: a power of two of at least a page.
std::uint64_t round_ring_size(std::uint64_t size);

void add(smtpscope_counters& sum, const smtpscope_counters& one);

class Programs {
  public:
    /// `inherited`: what an earlier process kept; if its maps can be used, they are taken over with all that is in
    /// them. Throws Error.
    explicit Programs(const Options& options, Inheritance* inherited = nullptr);
    ~Programs();
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    bool has(Program program) const;
    /// Of a program that this kernel has.
    int fd(Program program) const;

    /// True if the maps are an earlier process's.
    bool took_over() const { return took_over_; }
    /// Why those that were kept are not; empty if they are, or if none were.
    const std::string& begun_anew() const { return begun_anew_; }
    /// The descriptors that a later process needs to take over. They stay ours.
    std::vector<Kept> kept() const;

    unsigned shards() const { return static_cast<unsigned>(rings_.size()); }
    int ring_fd(unsigned shard) const { return rings_[shard].get(); }
    std::uint64_t ring_size() const { return ring_size_; }  ///< of each
    volatile smtpscope_reader& reader(unsigned shard);

    /// Of the interfaces with this slot, summed over all CPUs.
    smtpscope_counters counters(unsigned slot) const;
    /// Adds them to those of another slot and sets them to 0; the kernel must be counting in neither.
    void move_counters(unsigned from, unsigned to);
    unsigned slot_of(unsigned ifindex) const;
    void set_slot(unsigned ifindex, unsigned slot);
    /// Makes the interfaces with this slot ports of a bridge, or (0) of none.
    void set_bridge(unsigned slot, unsigned ifindex);

    /// Of a connection: the same from both ends, and the key of its entry.
    std::uint64_t hash(const smtpscope_ends& ends) const;
    /// As FlowTable does.
    void set_flow(const smtpscope_flow& flow) { set_flow(flow, hash(flow.ends)); }
    void set_flow(const smtpscope_flow& flow, std::uint64_t key);
    void remove_flow(const smtpscope_ends& ends);
    std::optional<smtpscope_flow> find_flow(const smtpscope_ends& ends) const { return flows_->find(hash(ends), ends); }

  private:
    void open_rings(unsigned shards, Inheritance* inherited);
    std::vector<smtpscope_counters> counters_by_cpu(unsigned slot) const;
    void set_counters(unsigned slot, const std::vector<smtpscope_counters>& by_cpu);
    std::string take_rings(unsigned shards, Inheritance& inherited);
    void load(Inheritance* inherited);

    tap* skeleton_;
    std::uint64_t ring_size_;
    std::uint32_t flow_sets_;
    std::vector<Descriptor> rings_;
    std::optional<FlowTable> flows_;  ///< once they are loaded
    bool took_over_ = false;
    std::string begun_anew_;
};

}  // namespace smtpscope::capture
