// SPDX-License-Identifier: BSD-3-Clause
// One TCP connection: both byte streams in order, interleaved in an order in which its ends can have acted.
//
// No byte is delivered before one that its sender had acknowledged: a reply never comes before the command that it
// answers, nor a message before the 354 that allowed it, however the capture was reordered.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/decode.h"
#include "smtpscope/disposition.h"
#include "smtpscope/options.h"
#include "smtpscope/side.h"
#include "smtpscope/time.h"

namespace smtpscope::tcp {

/// The consumer of a connection's streams. The result of each call takes effect at once: unless it is `follow`, nothing
/// more is delivered.
class StreamSink {
  public:
    virtual ~StreamSink() = default;
    /// The next bytes from `side`; valid during the call.
    virtual Disposition data(Side side, std::string_view bytes, Timestamp ts) = 0;
    /// `length` bytes from `side` are lost for good. 0: an unknown number, before the first byte that was captured.
    virtual Disposition gap(Side side, std::uint64_t length, Timestamp ts) = 0;
    /// `side` sends no more.
    virtual Disposition end(Side side, Timestamp ts) = 0;
};

/// What all connections of one table hold and have lost.
struct Accounts {
    std::uint64_t memory = 0;  ///< bytes of data that waits, bookkeeping included
    std::uint64_t gaps = 0;
    std::uint64_t gap_bytes = 0;
    std::uint64_t overload_bytes = 0;  ///< part of gap_bytes: not waited for because of a memory limit
    std::uint64_t skipped_bytes = 0;   ///< not captured because they were not wanted; not counted as gaps
};

class Connection {
  public:
    Connection(const Limits& limits, Accounts& accounts) : limits_(&limits), accounts_(&accounts) {}
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// A segment that `from` sent.
    void segment(Side from, const net::Segment& s, StreamSink& sink);
    /// Gives up the holes that have been open for long enough. Call when now >= blocked_since() + gap_timeout.
    void give_up_waiting(Timestamp now, StreamSink& sink);
    /// Delivers all that was captured, across every hole.
    void close(Timestamp now, StreamSink& sink);

    /// Bytes that are missing from `side` from now on are missing on purpose, or (false) are lost.
    void set_skipping(Side side, bool on) { half(side).skipping = on; }

    /// Since when something waits for bytes that may never come; nullopt while nothing does.
    std::optional<Timestamp> blocked_since() const { return blocked_; }
    bool closed() const { return closed_; }
    /// The last answer of the sink. Once it is not `follow`, only FIN and RST matter.
    Disposition disposition() const { return disposition_; }
    bool followed() const { return disposition_ == Disposition::follow; }
    bool has_payload() const { return has_payload_; }
    /// Bytes of `side`'s stream up to its first hole, or as far as it was followed.
    std::uint64_t received(Side side) const { return half(side).expected; }
    bool half_closed() const { return halves_[0].ended || halves_[1].ended; }
    /// Each end from which anything was captured has sent its FIN, though bytes before it may be missing.
    bool saw_end() const;
    /// The sequence number that `side`'s handshake announced, plus one; nullopt if it was not captured.
    std::optional<std::uint32_t> first_seq(Side side) const;

  private:
    static constexpr std::uint64_t no_ack = 0;
    static constexpr std::uint64_t no_fin = ~std::uint64_t{0};

    /// A run of bytes, or a hole of `gap` bytes, that waits for its turn.
    struct Chunk {
        Timestamp ts;
        std::uint64_t ack = no_ack;  ///< how far its sender had received the other stream
        std::uint64_t gap = 0;
        std::string data;
    };
    struct Backlog {
        std::map<std::uint64_t, Chunk> early;  ///< by offset, not overlapping, all beyond `expected`
        std::vector<Chunk> ready;              ///< in order, from `head` on; waits for the other stream
        std::size_t head = 0;
        std::size_t bytes = 0;
    };
    /// One direction. Offsets count from the first byte after the SYN and do not wrap.
    struct Half {
        std::uint64_t expected = 0;   ///< the first offset not yet received in order
        std::uint64_t delivered = 0;  ///< the first offset not yet passed to the sink
        std::uint64_t acked = 0;      ///< how far the other end has received it
        std::uint64_t fin = no_fin;   ///< offset of the FIN
        Timestamp hole_since{};       ///< since when the hole at hole_at is known; 0: there is none
        std::uint64_t hole_at = 0;
        std::uint32_t base = 0;     ///< sequence number of offset 0
        std::uint32_t fin_ack = 0;  ///< what the FIN acknowledged of the other stream, a sequence number
        bool started = false;       ///< base is known
        bool from_syn = false;      ///< base is the handshake's
        bool seen = false;          ///< any packet of this direction was captured
        bool ended = false;
        bool skipping = false;
        std::unique_ptr<Backlog> backlog;
    };
    /// Segments of a connection whose beginning is not known yet.
    struct Held {
        Side from;
        net::Segment segment;
        std::string payload;
    };

    Half& half(Side s) { return halves_[index(s)]; }
    const Half& half(Side s) const { return halves_[index(s)]; }
    bool heed(Disposition answer);
    static std::int64_t offset_of(const Half& h, std::uint32_t seq);

    void learn_bases(Side from, const net::Segment& s);
    bool bases_known() const { return halves_[0].started && halves_[1].started; }
    void hold(Side from, const net::Segment& s);
    void release_held(StreamSink& sink);

    void process(Side from, const net::Segment& s, StreamSink& sink);
    void note_ack(Side from, const net::Segment& s);
    void payload(Side from, std::int64_t offset, std::string_view data, std::uint64_t ack, Timestamp ts,
                 StreamSink& sink);
    void stash(Half& h, std::uint64_t offset, std::string_view data, std::uint64_t ack, Timestamp ts);
    void queue(Half& h, Chunk chunk);
    void absorb_early(Half& h, Timestamp ts);
    bool may_deliver(Side from, std::uint64_t ack) const;
    bool may_end(Side s) const;
    void pump(Timestamp ts, StreamSink& sink);
    static Chunk* front(Half& h);
    static const Chunk* first_run(const Half& h);
    void deliver_front(Side s, StreamSink& sink);
    bool pump_side(Side s, StreamSink& sink);
    bool pump_gap(StreamSink& sink);
    bool hole(const Half& h) const;
    static Timestamp hole_time(const Half& h, Timestamp now);
    void declare_gap(Half& h, Timestamp ts);
    void cut_short(Half& h, std::uint64_t end, Timestamp ts);
    void pass_over(Half& h, std::uint64_t end, Timestamp ts);
    bool force_oldest(StreamSink& sink);
    bool give_up_one(Timestamp now, StreamSink& sink);
    void update_blocked(Timestamp ts);
    bool over_memory() const;
    void reset(Side from, const net::Segment& s, StreamSink& sink);
    Backlog& backlog(Half& h);
    void drop_backlog(Half& h);
    void charge(Half& h, std::size_t bytes);
    void discharge(Half& h, std::size_t bytes);

    const Limits* limits_;
    Accounts* accounts_;
    std::array<Half, 2> halves_;
    std::unique_ptr<std::vector<Held>> held_;
    std::optional<Timestamp> blocked_;
    bool closed_ = false;
    Disposition disposition_ = Disposition::follow;
    bool has_payload_ = false;
};

}  // namespace smtpscope::tcp
