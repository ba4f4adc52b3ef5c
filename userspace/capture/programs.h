// SPDX-License-Identifier: BSD-3-Clause
// The kernel programs and their maps, loaded and not yet attached.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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

/// Every program of ours has a name that begins so.
inline constexpr const char* program_prefix = "smtpscope_";

/// What this kernel has, found by trying.
struct Features {
    bool ring_buffer = false;  ///< 5.8
    bool xdp = false;
    bool xdp_frags = false;  ///< 5.18
    bool tc = false;
};
Features probe_features();

/// bpf_ringbuf sizes: a power of two of at least a page.
std::uint64_t round_ring_size(std::uint64_t size);

class Programs {
  public:
    /// Throws Error.
    explicit Programs(const Options& options);
    ~Programs();
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

    bool has(Program program) const;
    /// Of a program that there is.
    int fd(Program program) const;

    int ring_fd() const;
    std::uint64_t ring_size() const { return ring_size_; }
    volatile std::uint32_t* need_wake();

    /// Summed over all CPUs.
    smtpscope_counters counters() const;

    void set_flow(const smtpscope_flow_key& key, const smtpscope_flow& value);
    void remove_flow(const smtpscope_flow_key& key);
    std::optional<smtpscope_flow> find_flow(const smtpscope_flow_key& key) const;

  private:
    tap* skeleton_;
    std::uint64_t ring_size_;
};

}  // namespace smtpscope::capture
