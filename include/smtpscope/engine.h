// SPDX-License-Identifier: BSD-3-Clause
// The analysis: packets or streams in, records and verdicts out. No threads, no clock of its own, and no I/O beyond
// libmagic's database; one Engine is one shard.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "smtpscope/conversation.h"
#include "smtpscope/disposition.h"
#include "smtpscope/flow.h"
#include "smtpscope/hooks.h"
#include "smtpscope/options.h"
#include "smtpscope/packet.h"
#include "smtpscope/record_sink.h"
#include "smtpscope/records.h"
#include "smtpscope/side.h"

namespace smtpscope {

/// The one way back to the kernel.
class FlowControl {
  public:
    virtual ~FlowControl() = default;
    /// The connection is not followed any longer: the kernel need not copy it, except its end. Called again from time
    /// to time while it is still copied.
    virtual void ignore(const ConnId& id, Disposition why) = 0;
    /// What `sender` sends until the other end answers is content that is not wanted.
    virtual void skip_content(const ConnId& id, Side sender) = 0;
    /// The connection is over; the kernel can forget it.
    virtual void forget(const ConnId& id) = 0;
};

/// What happened to the packets, and how memory is used. Each packet is counted under exactly one cause:
///
///     packets   = segments + not_tcp + malformed + bad_checksums + fragments
///     fragments = those of the fragments_* that count fragments
///
/// A packet put together from fragments counts as another packet in the shard that analyzes it, this one or another.
/// Summed over all shards, the number of captured packets is therefore packets - packets_reassembled.
struct EngineStats {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;     ///< captured bytes of the packets, headers included
    std::uint64_t segments = 0;  ///< given to a connection
    std::uint64_t not_tcp = 0;
    std::uint64_t not_mail = 0;               ///< TCP, but neither port is a mail port
    std::uint64_t malformed = 0;              ///< headers cut off or inconsistent
    std::uint64_t fragments = 0;              ///< IP fragments: of TCP over IPv4, of any protocol over IPv6
    std::uint64_t fragments_reassembled = 0;  ///< became part of a whole packet
    std::uint64_t fragments_repeated = 0;     ///< had come before
    std::uint64_t fragments_expired = 0;      ///< the rest did not come in time
    std::uint64_t fragments_overlapping = 0;  ///< dropped with a packet in which two overlapped
    std::uint64_t fragments_invalid = 0;      ///< dropped because they contradict each other or the protocol
    std::uint64_t fragments_evicted = 0;      ///< evicted because of Limits::fragment_memory
    std::uint64_t fragments_cut = 0;          ///< not wholly captured
    std::uint64_t fragments_held = 0;         ///< wait for the rest, now
    std::uint64_t packets_reassembled = 0;    ///< put together from fragments
    std::uint64_t bad_checksums = 0;
    std::uint64_t stray = 0;  ///< of no connection that is followed, and cannot begin one
    std::uint64_t flows_opened = 0;
    std::uint64_t flows_evicted = 0;  ///< evicted because of Limits::flows
    std::uint64_t flows_ignored = 0;  ///< by verdict
    std::uint64_t gaps = 0;
    std::uint64_t gap_bytes = 0;
    std::uint64_t overload_bytes = 0;  ///< out-of-order data given up because of a memory limit
    std::uint64_t skipped_bytes = 0;   ///< of messages beyond AnalyzerOptions::max_message_bytes
    std::uint64_t smtp_records = 0;
    std::uint64_t vetoed_records = 0;  ///< by log_policy
    std::uint64_t weirds = 0;
    std::uint64_t files = 0;           ///< records of files
    std::uint64_t tls_handshakes = 0;  ///< records of handshakes after STARTTLS
    std::uint64_t notices = 0;
    std::uint64_t notices_suppressed = 0;    ///< equal ones were reported within NoticeOptions::suppression_interval
    std::uint64_t notice_hosts_evicted = 0;  ///< evicted while their events were counted: NoticeOptions::max_hosts
    std::uint64_t software = 0;              ///< records of software
    std::uint64_t users_late = 0;            ///< smtp records whose process_user was not known in time: Owner::user_due
    std::uint64_t units_late = 0;            ///< the same for process_unit and container
    std::uint64_t dropped_with_mail = 0;     ///< records of other streams whose mail EngineOptions::policy dropped
    std::uint64_t dropped_without_mail = 0;  ///< of content without an smtp record to decide on
    std::uint64_t dropped_waiting = 0;       ///< while waiting for their mail: Limits::waiting_memory
    std::uint64_t flows_open = 0;            ///< now
    std::uint64_t memory_held = 0;           ///< bytes of out-of-order data, now
    std::uint64_t fragment_memory = 0;       ///< bytes held for IP fragments, now
    std::uint64_t waiting_memory = 0;        ///< bytes of records that wait for their mail, now
};

EngineStats& operator+=(EngineStats& sum, const EngineStats& one);

/// Threads: one at a time for each engine and what it opened; engines are independent of each other.
/// Re-entrance: its functions call the sink, the hooks and the control, which must not call any of its functions.
/// Exceptions: whatever the network sends, only std::bad_alloc and what the sink, the hooks and the control throw.
/// After one, the engine may only be destroyed.
class Engine {
  public:
    /// `sink` and `control` outlive the engine; `control` may be nullptr.
    Engine(const EngineOptions& options, RecordSink& sink, FlowControl* control = nullptr, Hooks hooks = {});
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// The next packet of any connection, in the order of the capture.
    void packet(const Packet& p);
    /// A connection whose bytes come as streams. Its records have `id`; their uid is derived from `id` and `begin`, the
    /// time when it began. It has no timeout and does not count against Limits::flows: the caller ends it. `control` is
    /// not told that it is ignored or over, because the caller knows.
    std::unique_ptr<Conversation> open(const ConnId& id, Timestamp begin);
    /// Lets time pass without a packet: handles timeouts up to `now`.
    void advance(Timestamp now);
    /// Whether advance() will have anything to do before another packet comes.
    bool waits_for_time() const;
    /// Ends every connection, in packets or streams; open transactions become records that say why. At a shutdown the
    /// kernel's verdicts stay.
    void finish(Ending why = Ending::end_of_capture);

    /// Takes effect for open sessions too, except likely_server_ports and uid_seed, which do not change.
    void set_options(const EngineOptions& options);
    EngineStats stats() const;
    /// The most recently active connections, the latest first; at most `limit`.
    std::vector<FlowSummary> flows(std::size_t limit) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace smtpscope
