// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/connection.h"

#include <algorithm>
#include <utility>

namespace smtpscope::tcp {

using net::Segment;

namespace {

constexpr std::size_t chunk_overhead = 128;     // bytes of bookkeeping charged for each waiting run
constexpr std::size_t max_held_segments = 32;   // of a connection whose beginning is not known yet
constexpr std::int64_t reset_window = 1 << 20;  // a RST further from the stream than this is forged or stale

}  // namespace

Connection::~Connection() {
    for (Half& h : halves_) drop_backlog(h);
}

std::optional<std::uint32_t> Connection::first_seq(Side side) const {
    const Half& h = half(side);
    return h.from_syn ? std::optional(h.base) : std::nullopt;
}

bool Connection::saw_end() const {
    const auto open = [](const Half& h) { return h.seen && !h.ended && h.fin == no_fin; };
    return !open(halves_[0]) && !open(halves_[1]);
}

// Within 2 GiB before or after the expected byte; no window is larger (RFC 7323, 2.3).
std::int64_t Connection::offset_of(const Half& h, std::uint32_t seq) {
    const auto distance = static_cast<std::int32_t>(seq - static_cast<std::uint32_t>(h.base + h.expected));
    return static_cast<std::int64_t>(h.expected) + distance;
}

Connection::Backlog& Connection::backlog(Half& h) {
    if (!h.backlog) h.backlog = std::make_unique<Backlog>();
    return *h.backlog;
}

void Connection::charge(Half& h, std::size_t bytes) {
    h.backlog->bytes += bytes;
    accounts_->memory += bytes;
}

void Connection::discharge(Half& h, std::size_t bytes) {
    h.backlog->bytes -= bytes;
    accounts_->memory -= bytes;
}

void Connection::drop_backlog(Half& h) {
    if (h.backlog) accounts_->memory -= h.backlog->bytes;
    h.backlog.reset();
}

// ---- the beginning

void Connection::learn_bases(Side from, const Segment& s) {
    Half& mine = half(from);
    Half& other = half(opposite(from));
    mine.seen = true;
    if (s.has(Segment::syn) && !mine.started) {
        mine.base = s.seq + 1;
        mine.started = mine.from_syn = true;
    }
    // If only one SYN was captured, the acknowledgement of the handshake tells where the other stream began. With
    // payload or FIN it may acknowledge bytes that were lost as well, or some that are held.
    if (s.has(Segment::ack) && mine.from_syn && !other.started && s.wire_payload == 0 && !s.has(Segment::fin)) {
        other.base = s.ack_seq;
        other.started = true;
    }
}

void Connection::hold(Side from, const Segment& s) {
    if (!held_) held_ = std::make_unique<std::vector<Held>>();
    held_->push_back({from, s, std::string(s.payload)});
    accounts_->memory += s.payload.size();
    if (!blocked_) blocked_ = s.ts;
}

void Connection::release_held(StreamSink& sink) {
    if (!held_) return;
    const std::unique_ptr<std::vector<Held>> held = std::move(held_);
    blocked_.reset();
    for (const Side side : {Side::orig, Side::resp}) {
        Half& h = half(side);
        if (h.started) continue;
        std::optional<std::uint32_t> first;
        const auto earliest = [&](std::uint32_t seq) {
            if (!first || static_cast<std::int32_t>(seq - *first) < 0) first = seq;
        };
        for (const Held& x : *held)
            if (x.from == side) earliest(x.segment.seq);
        if (!first)
            for (const Held& x : *held)
                if (x.segment.has(Segment::ack)) earliest(x.segment.ack_seq);
        h.base = first.value_or(0);
        h.started = true;
        if (followed()) heed(sink.gap(side, 0, held->front().segment.ts));
    }
    for (const Held& x : *held) {
        accounts_->memory -= x.payload.size();
        Segment s = x.segment;
        s.payload = x.payload;
        process(x.from, s, sink);
    }
}

void Connection::segment(Side from, const Segment& s, StreamSink& sink) {
    if (closed_) return;
    has_payload_ |= s.wire_payload > 0;
    learn_bases(from, s);
    if (!bases_known()) {
        // A SYN alone opens nothing yet. Without one the first packet need not be the first that was sent.
        const bool syn_seen = halves_[0].from_syn || halves_[1].from_syn;
        if (syn_seen && s.wire_payload == 0 && !s.has(Segment::fin) && !s.has(Segment::rst)) return;
        hold(from, s);
        if (held_->size() < max_held_segments && !s.has(Segment::rst)) return;
    } else if (!held_) {
        process(from, s, sink);
        return;
    } else {
        hold(from, s);
    }
    release_held(sink);
}

// ---- the streams

void Connection::process(Side from, const Segment& s, StreamSink& sink) {
    Half& mine = half(from);
    if (s.has(Segment::rst)) return reset(from, s, sink);
    if (!followed()) {  // offsets stand still, and mean nothing after 2 GiB: only the flag counts
        mine.ended |= s.has(Segment::fin);
        closed_ = halves_[0].ended && halves_[1].ended;
        return;
    }
    note_ack(from, s);
    const std::uint32_t first = s.seq + (s.has(Segment::syn) ? 1 : 0);
    const std::int64_t offset = offset_of(mine, first);
    const std::int64_t end = offset + s.wire_payload;
    if (s.has(Segment::fin) && mine.fin == no_fin && end >= static_cast<std::int64_t>(mine.expected)) {
        mine.fin = static_cast<std::uint64_t>(end);
        mine.fin_ack = s.has(Segment::ack) ? s.ack_seq : half(opposite(from)).base;
        mine.acked = std::min(mine.acked, mine.fin);  // the FIN itself may have been acknowledged before
    }
    if (s.wire_payload > 0 && !mine.ended) {
        // The acknowledgement is about the other stream: it is in that stream's offsets, and never beyond its FIN,
        // which takes a sequence number too.
        const Half& other = half(opposite(from));
        std::uint64_t ack = no_ack;
        if (s.has(Segment::ack))
            ack =
                std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, offset_of(other, s.ack_seq))), other.fin);
        payload(from, offset, s.payload, ack, s.ts, sink);
        if (s.payload.size() < s.wire_payload && static_cast<std::int64_t>(mine.expected) < end &&
            mine.expected >= static_cast<std::uint64_t>(std::max<std::int64_t>(0, offset)))
            cut_short(mine, static_cast<std::uint64_t>(end), s.ts);
    }
    pump(s.ts, sink);
    update_blocked(s.ts);
}

void Connection::note_ack(Side from, const Segment& s) {
    if (!s.has(Segment::ack)) return;
    Half& other = half(opposite(from));
    const std::int64_t ack = offset_of(other, s.ack_seq);
    if (ack <= 0) return;
    other.acked = std::max(other.acked, std::min(static_cast<std::uint64_t>(ack), other.fin));
}

void Connection::payload(Side from, std::int64_t offset, std::string_view data, std::uint64_t ack, Timestamp ts,
                         StreamSink& sink) {
    Half& h = half(from);
    const auto expected = static_cast<std::int64_t>(h.expected);
    if (offset > expected) return stash(h, static_cast<std::uint64_t>(offset), data, ack, ts);
    const std::int64_t old = expected - offset;
    if (old >= static_cast<std::int64_t>(data.size())) return;
    data.remove_prefix(static_cast<std::size_t>(old));
    h.expected += data.size();
    const bool nothing_waits = !h.backlog || h.backlog->head == h.backlog->ready.size();
    if (nothing_waits && may_deliver(from, ack)) {
        h.delivered = h.expected;
        if (!heed(sink.data(from, data, ts))) return;
    } else {
        queue(h, {ts, ack, 0, std::string(data)});
    }
    if (h.backlog) absorb_early(h, ts);
}

/// Keeps what is new of an early run; where it overlaps another, the first copy is kept, as in the receiving kernel.
void Connection::stash(Half& h, std::uint64_t offset, std::string_view data, std::uint64_t ack, Timestamp ts) {
    auto& early = backlog(h).early;
    auto next = early.upper_bound(offset);
    if (next != early.begin()) {
        const auto& [begin, chunk] = *std::prev(next);
        const std::uint64_t end = begin + chunk.data.size();
        if (end >= offset + data.size()) return;
        if (end > offset) {
            data.remove_prefix(end - offset);
            offset = end;
        }
    }
    while (!data.empty()) {
        const std::uint64_t room = next == early.end() ? data.size() : next->first - offset;
        const std::string_view piece = data.substr(0, room);
        if (!piece.empty()) {
            early.emplace_hint(next, offset, Chunk{ts, ack, 0, std::string(piece)});
            charge(h, piece.size() + chunk_overhead);
        }
        if (next == early.end()) return;
        const std::size_t covered = piece.size() + next->second.data.size();
        data.remove_prefix(std::min(covered, data.size()));
        offset += covered;
        ++next;
    }
}

void Connection::queue(Half& h, Chunk chunk) {
    Backlog& b = backlog(h);
    charge(h, chunk.data.size() + chunk_overhead);
    b.ready.push_back(std::move(chunk));
}

/// Early runs that the stream has caught up with become ready; they can be delivered only now, hence `ts`.
void Connection::absorb_early(Half& h, Timestamp ts) {
    auto& early = h.backlog->early;
    while (!early.empty() && early.begin()->first <= h.expected) {
        auto node = early.extract(early.begin());
        Chunk& chunk = node.mapped();
        discharge(h, chunk.data.size() + chunk_overhead);
        const std::uint64_t old = h.expected - node.key();
        if (old >= chunk.data.size()) continue;
        chunk.data.erase(0, old);
        chunk.ts = std::max(chunk.ts, ts);
        h.expected += chunk.data.size();
        queue(h, std::move(chunk));
    }
}

bool Connection::may_deliver(Side from, std::uint64_t ack) const {
    const Half& other = half(opposite(from));
    return !other.seen || std::min(ack, other.fin) <= other.delivered;
}

/// Everything that it sent was delivered, and so was everything that its FIN acknowledged.
bool Connection::may_end(Side s) const {
    const Half& h = half(s);
    const std::int64_t ack = std::max<std::int64_t>(0, offset_of(half(opposite(s)), h.fin_ack));
    return h.delivered >= h.fin && may_deliver(s, static_cast<std::uint64_t>(ack));
}

Connection::Chunk* Connection::front(Half& h) {
    if (!h.backlog || h.backlog->head == h.backlog->ready.size()) return nullptr;
    return &h.backlog->ready[h.backlog->head];
}

void Connection::deliver_front(Side s, StreamSink& sink) {
    Half& h = half(s);
    Backlog& b = *h.backlog;
    const Chunk chunk = std::move(b.ready[b.head]);
    if (++b.head * 2 >= b.ready.size()) {  // half of it was delivered: remove that, at a constant cost for each
        b.ready.erase(b.ready.begin(), b.ready.begin() + static_cast<std::ptrdiff_t>(b.head));
        b.head = 0;
    }
    discharge(h, chunk.data.size() + chunk_overhead);
    if (b.early.empty() && b.ready.empty()) h.backlog.reset();
    h.delivered += chunk.gap + chunk.data.size();
    heed(chunk.gap > 0 ? sink.gap(s, chunk.gap, chunk.ts) : sink.data(s, chunk.data, chunk.ts));
}

bool Connection::pump_side(Side s, StreamSink& sink) {
    bool moved = false;
    for (const Chunk* c = front(half(s)); c && c->gap == 0 && may_deliver(s, c->ack); c = front(half(s))) {
        deliver_front(s, sink);
        moved = true;
        if (!followed()) break;
    }
    return moved;
}

const Connection::Chunk* Connection::first_run(const Half& h) {
    if (!h.backlog) return nullptr;
    const auto begin = h.backlog->ready.begin() + static_cast<std::ptrdiff_t>(h.backlog->head);
    const auto it = std::find_if(begin, h.backlog->ready.end(), [](const Chunk& c) { return c.gap == 0; });
    return it == h.backlog->ready.end() ? nullptr : &*it;
}

/// The lost segments had acknowledgements too, which are unknown: a gap is delivered only when nothing else can be, and
/// only as much of it as the waiting data of the other side acknowledges.
bool Connection::pump_gap(StreamSink& sink) {
    const bool both = front(half(Side::orig)) && front(half(Side::resp));
    for (const Side s : {Side::resp, Side::orig}) {
        Half& h = half(s);
        Chunk* const c = front(h);
        if (!c || c->gap == 0) continue;
        const Chunk* const next = first_run(half(opposite(s)));
        // Of two gaps, the one that the other side does not wait for goes first.
        if (both && s == Side::resp && next && next->ack <= h.delivered) continue;
        if (next && next->ack > h.delivered && next->ack - h.delivered < c->gap) {
            const std::uint64_t part = next->ack - h.delivered;
            c->gap -= part;
            h.delivered += part;
            heed(sink.gap(s, part, c->ts));
        } else {
            deliver_front(s, sink);
        }
        return true;
    }
    return false;
}

void Connection::pump(Timestamp ts, StreamSink& sink) {
    bool moved = true;
    while (moved && followed()) {
        moved = pump_side(Side::resp, sink);
        if (followed()) moved |= pump_side(Side::orig, sink);
        if (followed() && !moved) moved = pump_gap(sink);
        if (followed() && over_memory()) moved |= give_up_one(ts, sink);
    }
    for (const Side s : {Side::orig, Side::resp}) {
        Half& h = half(s);
        if (h.ended || h.fin == no_fin || (followed() && !may_end(s))) continue;
        h.ended = true;
        drop_backlog(h);  // nothing follows a FIN
        if (followed()) heed(sink.end(s, ts));
    }
    closed_ = halves_[0].ended && halves_[1].ended;
}

// ---- what may never come

bool Connection::over_memory() const {
    std::size_t largest = 0;
    for (const Half& h : halves_)
        if (h.backlog) largest = std::max(largest, h.backlog->bytes);
    return largest > 0 && ((limits_->flow_memory > 0 && largest > limits_->flow_memory) ||
                           (limits_->memory > 0 && accounts_->memory > limits_->memory));
}

/// Bytes are missing although their receiver has them.
bool Connection::hole(const Half& h) const {
    return h.seen && !h.ended && h.acked > h.expected;
}

void Connection::declare_gap(Half& h, Timestamp ts) {
    std::uint64_t end = std::max(h.acked, h.expected);
    if (h.backlog && !h.backlog->early.empty()) {
        const std::uint64_t next = h.backlog->early.begin()->first;
        end = end > h.expected ? std::min(end, next) : next;
    }
    pass_over(h, end, ts);
}

/// The capture left out the end of a segment. If that was on purpose, it will not come again; otherwise it may come
/// whole.
void Connection::cut_short(Half& h, std::uint64_t end, Timestamp ts) {
    if (h.skipping)
        pass_over(h, end, ts);
    else
        h.acked = std::max(h.acked, end);
}

/// What is missing up to `end`, or up to what was captured before it, will not come.
void Connection::pass_over(Half& h, std::uint64_t end, Timestamp ts) {
    if (h.backlog && !h.backlog->early.empty()) end = std::min(end, h.backlog->early.begin()->first);
    if (end <= h.expected) return;
    const std::uint64_t length = end - h.expected;
    if (h.skipping) {
        accounts_->skipped_bytes += length;
    } else {
        ++accounts_->gaps;
        accounts_->gap_bytes += length;
        if (over_memory()) accounts_->overload_bytes += length;
    }
    h.expected = end;
    queue(h, {ts, no_ack, length, {}});
    absorb_early(h, ts);
}

/// When the hole was seen; if it was found just now, when the data after it came.
Timestamp Connection::hole_time(const Half& h, Timestamp now) {
    if (h.hole_since != Timestamp{} && h.hole_at == h.expected) return h.hole_since;
    return h.backlog && !h.backlog->early.empty() ? std::min(now, h.backlog->early.begin()->second.ts) : now;
}

/// For acknowledgements that contradict each other: the older run goes first. False if nothing waits.
bool Connection::force_oldest(StreamSink& sink) {
    std::optional<Side> oldest;
    for (const Side s : {Side::orig, Side::resp}) {
        const Chunk* c = front(half(s));
        if (c && (!oldest || c->ts < front(half(*oldest))->ts)) oldest = s;
    }
    if (!oldest) return false;
    front(half(*oldest))->ack = no_ack;
    pump_side(*oldest, sink);
    return true;
}

/// Gives up one hole, or else one run's wait for the other stream. False if nothing waits.
bool Connection::give_up_one(Timestamp now, StreamSink& sink) {
    Half* found = nullptr;
    const auto has_early = [](const Half& h) { return h.backlog && !h.backlog->early.empty(); };
    for (Half& h : halves_)
        if (hole(h) && (!found || has_early(h))) found = &h;
    for (Half& h : halves_)
        if (!found && over_memory() && has_early(h) && !front(h)) found = &h;
    if (!found) return force_oldest(sink);
    declare_gap(*found, hole_time(*found, now));
    return true;
}

void Connection::give_up_waiting(Timestamp now, StreamSink& sink) {
    if (held_) return release_held(sink);
    while (blocked_ && *blocked_ + limits_->gap_timeout <= now) {
        bool given_up = false;
        for (Half& h : halves_) {
            if (!hole(h) || h.hole_since + limits_->gap_timeout > now) continue;
            declare_gap(h, h.hole_since);  // the loss was known when the wait began
            given_up = true;
        }
        if (!given_up) force_oldest(sink);
        pump(now, sink);
        update_blocked(now);
    }
}

/// A hole is as old as the first run after it, or as the acknowledgement that showed it.
void Connection::update_blocked(Timestamp ts) {
    blocked_.reset();
    if (!followed() || closed_) return;
    for (Half& h : halves_) {
        if (!hole(h)) {
            h.hole_since = {};
            continue;
        }
        if (h.hole_since == Timestamp{} || h.hole_at != h.expected) {
            const bool run = h.backlog && !h.backlog->early.empty();
            h.hole_since = run ? std::min(ts, h.backlog->early.begin()->second.ts) : ts;
            h.hole_at = h.expected;
        }
        blocked_ = blocked_ ? std::min(*blocked_, h.hole_since) : h.hole_since;
    }
    if (blocked_) return;
    for (Half& h : halves_)
        if (const Chunk* c = front(h)) blocked_ = blocked_ ? std::min(*blocked_, c->ts) : c->ts;
}

void Connection::reset(Side from, const Segment& s, StreamSink& sink) {
    const std::int64_t distance = offset_of(half(from), s.seq) - static_cast<std::int64_t>(half(from).expected);
    if (followed() && (distance < -reset_window || distance > reset_window)) return;
    close(s.ts, sink);
}

void Connection::close(Timestamp now, StreamSink& sink) {
    if (closed_) return;
    release_held(sink);
    for (;;) {
        if (closed_ || !followed()) break;
        pump(now, sink);
        if (closed_ || !followed()) break;
        if (give_up_one(now, sink)) continue;
        // Unacknowledged holes: what came after them was captured nevertheless.
        Half* early = nullptr;
        for (Half& h : halves_)
            if (h.backlog && !h.backlog->early.empty()) early = &h;
        if (!early) break;
        declare_gap(*early, hole_time(*early, now));
    }
    closed_ = true;
    blocked_.reset();
}

/// True as long as the connection is followed. If it is not, waiting data is dropped.
bool Connection::heed(Disposition answer) {
    if (answer == Disposition::follow) return true;
    disposition_ = answer;
    for (Half& h : halves_) drop_backlog(h);
    blocked_.reset();
    return false;
}

}  // namespace smtpscope::tcp
