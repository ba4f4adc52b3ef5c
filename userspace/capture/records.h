// SPDX-License-Identifier: BSD-3-Clause
// From ring records to packets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/source.h"
#include "smtpscope/kernel_abi.h"

namespace smtpscope::capture {

/// The kernel's monotonic clock as wall time. The difference changes when the clock is set, so it is measured again
/// from time to time.
class WallClock {
  public:
    WallClock() { measure(); }
    /// Cheap: measures once a second at most.
    void refresh();
    Timestamp from_monotonic(std::uint64_t ns) const {
        return from_nanoseconds(static_cast<std::int64_t>(ns) + offset_);
    }

  private:
    void measure();
    std::int64_t offset_ = 0;
    std::int64_t measured_at_ = 0;
};

/// Bounds-checks records and gives later pieces of a packet the headers of the first one.
class RecordReader {
  public:
    /// Passes on a Packet whose checksum may be validated only if `whole_checksums` says so of its interface; a
    /// malformed record is left out.
    template <typename WholeChecksums>
    void read(std::span<const std::byte> bytes, WholeChecksums whole_checksums, const PacketHandler& handler) {
        if (bytes.size() < sizeof(smtpscope_record)) return;
        const auto& record = *reinterpret_cast<const smtpscope_record*>(bytes.data());
        bytes = bytes.subspan(sizeof(record));
        if (record.captured > bytes.size()) return;
        Packet packet;
        packet.ts = clock_.from_monotonic(record.time_ns);
        packet.link = LinkType::raw_ip;
        packet.ifindex = record.ifindex;
        packet.wire_length = record.wire_length;
        packet.egress = record.direction == SMTPSCOPE_EGRESS;
        if (packet.egress) packet.sender = sender_of(record);
        packet.data = {reinterpret_cast<const std::uint8_t*>(bytes.data()), record.captured};
        const bool whole = record.captured == record.wire_length;
        packet.checksum = whole && record.direction == SMTPSCOPE_INGRESS && whole_checksums(record.ifindex)
                              ? Checksum::validate
                              : Checksum::ignore;
        if (record.packet_id != 0 && !place_piece(record, packet)) return;
        handler(packet);
    }

    WallClock& clock() { return clock_; }

  private:
    /// The packet that a CPU is sending in pieces. Those of one packet come in order and without another of that CPU in
    /// between, so one for each CPU is enough.
    struct Unfinished {
        std::uint64_t packet_id = 0;
        std::vector<std::uint8_t> headers;
    };

    bool place_piece(const smtpscope_record& record, Packet& packet);
    /// A packet that is forwarded, or whose socket is not whole yet, has no cgroup; its uid is the kernel's overflow
    /// uid.
    static Sender sender_of(const smtpscope_record& record) {
        if (record.cgroup_id == 0) return {};
        return {record.uid, record.cgroup_id};
    }

    WallClock clock_;
    std::vector<Unfinished> unfinished_;  ///< by CPU
};

}  // namespace smtpscope::capture
