// SPDX-License-Identifier: BSD-3-Clause
// From the fragments of an IP packet to the packet (RFC 791, 3.2; RFC 8200, 4.5), by the rules of Linux: exactly what
// the mail server's kernel would put together must reach the analysis. The rules are:
//
// * A fragment inside a run of octets that is already there is ignored; any other overlap ends the datagram (RFC 5722,
//   and the same for IPv4). So do an empty fragment, and ends that contradict each other.
// * If a fragment that is not the last has a length that is no multiple of 8, the octets beyond one are cut off over
//   IPv4; over IPv6 it is dropped.
// * An IPv6 fragment that reaches beyond 65,535 octets, and a first one without a whole TCP header (RFC 7112), are
//   dropped, but not their datagram.
// * Dropped once they are whole: a packet of more than 65,535 octets, one of whose fragments only some are ECN-capable
//   (RFC 3168, 5.3), and an IPv6 packet with another Fragment header in it.
// * A datagram is given up 30 seconds (IPv4) or 60 (IPv6) after its first fragment came; over IPv4 also when more than
//   64 other fragments of its sender came since its last one, because the sender's ids may have wrapped around.
// * A fragment that comes after the end of its datagram begins a new one.
//
// The only difference is when memory runs out: Linux refuses new fragments, here the oldest datagrams are evicted.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "net/decode.h"
#include "smtpscope/options.h"

namespace smtpscope::net {

/// What happened to fragments. Each is counted in exactly one of these, except `packets` and `memory`.
struct FragmentStats {
    std::uint64_t reassembled = 0;  ///< became part of a whole packet
    std::uint64_t repeated = 0;     ///< had come before
    std::uint64_t expired = 0;      ///< the rest did not come in time
    std::uint64_t overlapping = 0;  ///< of datagrams in which two overlapped
    std::uint64_t invalid = 0;      ///< of datagrams that contradicted themselves in other ways
    std::uint64_t evicted = 0;      ///< because of Limits::fragment_memory
    std::uint64_t cut = 0;          ///< not wholly captured
    std::uint64_t held = 0;         ///< wait for the rest, now
    std::uint64_t packets = 0;      ///< put together
    std::uint64_t memory = 0;       ///< bytes in use, now
};

class Defragmenter {
  public:
    /// `limits` outlive it, and may change.
    explicit Defragmenter(const Limits& limits) : limits_(&limits) {}

    /// `fragment` is what decode() found in `packet`. If it was the last one missing, the result is the whole packet,
    /// from its IP header on, with the time and interface of this fragment. It is valid until the next call. Its
    /// checksums are to be validated if those of all its fragments are.
    std::optional<Packet> add(const Packet& packet, const Fragment& fragment);
    /// Gives up the datagrams whose time is over.
    void advance(Timestamp now);
    /// Gives up all datagrams.
    void finish();
    /// Whether no datagram waits for the rest of its fragments.
    bool empty() const { return datagrams_.empty(); }

    const FragmentStats& stats() const { return stats_; }

  private:
    /// Over IPv4 the protocol is part of the key too, but it is always TCP.
    struct Key {
        Address src, dst;
        std::uint32_t id = 0;
        std::uint32_t ifindex = 0;  ///< for addresses that are valid on one link only, else 0
        bool v6 = false;
        auto operator<=>(const Key&) const = default;
    };
    /// A sender over IPv4.
    struct Source {
        std::uint32_t fragments = 0;  ///< that came from it, modulo 2^32
        std::size_t datagrams = 0;    ///< that wait
    };
    using Sources = std::map<Address, Source>;
    enum class Fit : std::uint8_t { placed, repeated, overlapping, invalid };
    /// Octets by the offset of the first. One run grows as long as fragments come in order; each other run is one
    /// fragment.
    using Runs = std::map<std::uint32_t, std::vector<std::uint8_t>>;
    /// The fragments of a datagram.
    struct Contents {
        std::uint64_t fragments = 0;
        std::size_t memory = 0;     ///< bytes in use
        std::uint32_t length = 0;   ///< the largest end that is known
        std::uint32_t octets = 0;   ///< how many of them are there
        bool has_end = false;       ///< the length is final
        std::uint8_t ecn_seen = 0;  ///< a bit for each value
        Checksum checksum = Checksum::validate;
        std::vector<std::uint8_t> headers;  ///< of the first fragment; empty: not there
        std::uint8_t next = 0;              ///< as in Fragment
        std::size_t next_at = 0;            ///< the same
        Runs runs;

        Fit place(const Fragment& f, Bytes data, Checksum validity);
        bool whole() const { return has_end && !headers.empty() && octets == length; }

      private:
        bool extend(std::uint32_t end, bool more);
        Fit insert(std::uint32_t offset, Bytes data);
    };
    struct Datagram;
    using Queue = std::list<Datagram*>;  ///< the oldest first
    struct Datagram {
        const Key* key = nullptr;
        Queue::iterator place;
        Timestamp begin;
        Sources::iterator source;  ///< IPv4
        std::uint32_t rank = 0;    ///< IPv4: of its last fragment among those of its source
        Contents contents;
    };

    /// Bytes that a datagram and its sender take, in trees and a list.
    static constexpr std::size_t datagram_overhead = 512;

    static Key key_of(const Packet& packet, const Fragment& f);
    Queue& queue_of(const Datagram& d) { return d.key->v6 ? v6_ : v4_; }
    Datagram& find(const Key& key);
    bool too_far(Datagram& d);
    Fit place(Datagram& d, const Packet& packet, const Fragment& f);
    std::optional<Packet> put_together(Datagram& d, const Packet& last);
    void expire(Queue& queue, Duration timeout);
    void evict();
    /// Drops its fragments and counts them under `cause`.
    void drop(Contents& contents, std::uint64_t& cause);
    void restart(Datagram& d);
    /// Ends it; its fragments are counted under `cause`.
    void erase(Datagram& d, std::uint64_t& cause);

    const Limits* limits_;
    FragmentStats stats_;
    Timestamp now_{};
    // Trees, not hashes: a sender of fragments chooses the whole key, and must not be able to make look-ups slow.
    std::map<Key, Datagram> datagrams_;
    Sources sources_;
    Queue v4_, v6_;
    std::vector<std::uint8_t> packet_;  ///< the last one put together
};

}  // namespace smtpscope::net
