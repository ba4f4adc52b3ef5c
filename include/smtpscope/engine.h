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
    /// The connection is not followed any longer: the kernel need not copy it, except its end. Said again from time to
    /// time while it is copied all the same.
    virtual void ignore(const ConnId& id, Disposition why) = 0;
    /// What `sender` sends until the other end answers is content that nobody wants.
    virtual void skip_content(const ConnId& id, Side sender) = 0;
    /// The connection is over; what the kernel remembers of it can go.
    virtual void forget(const ConnId& id) = 0;
};

/// What became of the packets and of memory. Each packet is counted under exactly one cause:
///
///     packets   = segments + not_tcp + malformed + bad_checksums + fragments
///     fragments = those of the fragments_* that count fragments
///
/// A packet put together of fragments is one more packet, counted again where it is looked at, here or in another
/// shard. Packets that were captured are therefore packets - packets_reassembled, in the sum over all shards.
struct EngineStats {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;     ///< of the packets, as far as captured, headers included
    std::uint64_t segments = 0;  ///< given to a connection
    std::uint64_t not_tcp = 0;
    std::uint64_t not_mail = 0;               ///< TCP between ports that are not ours
    std::uint64_t malformed = 0;              ///< headers cut off or inconsistent
    std::uint64_t fragments = 0;              ///< of IP packets: over IPv4 of TCP, over IPv6 of any protocol
    std::uint64_t fragments_reassembled = 0;  ///< became part of a whole packet
    std::uint64_t fragments_repeated = 0;     ///< had come before
    std::uint64_t fragments_expired = 0;      ///< the rest did not come in time
    std::uint64_t fragments_overlapping = 0;  ///< dropped with a packet in which two overlapped
    std::uint64_t fragments_invalid = 0;      ///< dropped because they contradict each other or the protocol
    std::uint64_t fragments_evicted = 0;      ///< gave way to others because of Limits::fragment_memory
    std::uint64_t fragments_cut = 0;          ///< not wholly captured
    std::uint64_t fragments_held = 0;         ///< wait for the rest, now
    std::uint64_t packets_reassembled = 0;    ///< put together of fragments
    std::uint64_t bad_checksums = 0;
    std::uint64_t stray = 0;  ///< of no connection that is followed and could not begin one
    std::uint64_t flows_opened = 0;
    std::uint64_t flows_evicted = 0;  ///< gave way to others because of Limits::flows
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
    std::uint64_t notices_suppressed = 0;    ///< equal ones had been told within NoticeOptions::suppression_interval
    std::uint64_t notice_hosts_evicted = 0;  ///< whose events were being counted: NoticeOptions::max_hosts
    std::uint64_t software = 0;              ///< records of it
    std::uint64_t users_late = 0;            ///< smtp records whose process_user was not known in time: Owner::user_due
    std::uint64_t units_late = 0;            ///< the same for process_unit and container
    std::uint64_t dropped_with_mail = 0;     ///< records of other streams whose mail EngineOptions::policy dropped
    std::uint64_t dropped_without_mail = 0;  ///< of content that no smtp record tells of, so that nothing could decide
    std::uint64_t dropped_waiting = 0;       ///< for their mail, because of Limits::waiting_memory
    std::uint64_t flows_open = 0;            ///< now
    std::uint64_t memory_held = 0;           ///< bytes of out-of-order data, now
    std::uint64_t fragment_memory = 0;       ///< bytes held for IP fragments, now
    std::uint64_t waiting_memory = 0;        ///< bytes of records that wait for their mail, now
};

EngineStats& operator+=(EngineStats& sum, const EngineStats& one);

/// Threads: one at a time for each engine and what it opened; engines know nothing of each other.
/// Re-entrance: the sink, the hooks and the control are called from within its functions, and may not call any.
/// Exceptions: whatever the network sends, there is none but std::bad_alloc and what the sink, the hooks and the
/// control throw. After one, an engine may only be destroyed.
class Engine {
  public:
    /// `sink` and `control` outlive the engine; `control` may be nullptr.
    Engine(const EngineOptions& options, RecordSink& sink, FlowControl* control = nullptr, Hooks hooks = {});
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// The next packet of any connection, in the order of the capture.
    void packet(const Packet& p);
    /// A connection whose bytes come as streams. Its records have `id`; their uid is made of `id` and `begin`, the time
    /// at which it began. It has no timeout and does not count against Limits::flows: the caller ends it. Nor does
    /// `control` hear that it is ignored or over: the caller knows.
    std::unique_ptr<Conversation> open(const ConnId& id, Timestamp begin);
    /// Lets time pass without a packet: timeouts are due up to `now`.
    void advance(Timestamp now);
    /// Whether advance() has anything to do, ever, before another packet comes.
    bool waits_for_time() const;
    /// Ends every connection, in packets or streams; open transactions become records that say why. At a shutdown the
    /// kernel's verdicts stay.
    void finish(Ending why = Ending::end_of_capture);

    /// Takes effect for open sessions too, but for likely_server_ports and uid_seed, which stay as they were.
    void set_options(const EngineOptions& options);
    EngineStats stats() const;
    /// The connections that had a packet last, the latest first; at most `limit`.
    std::vector<FlowSummary> flows(std::size_t limit) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace smtpscope
