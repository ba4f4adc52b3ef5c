// SPDX-License-Identifier: BSD-3-Clause
// One TCP connection. Every octet of a stream encodes its offset, so that what is delivered can be checked without a
// second reassembler.
//
// `honest` inputs are conversations that two hosts could have had, captured whole, in any order and with copies: all of
// it has to come out, in the order in which the ends can have acted. Others may say anything about lengths,
// acknowledgements and ends.
#include <array>
#include <string>
#include <vector>

#include "fuzz.h"
#include "tcp/connection.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using net::Segment;

constexpr std::size_t stream_size = 4096;  // offsets of payload stay below
constexpr unsigned late_handshake = 20;    // segments before it, at most
constexpr std::size_t flow_memory = 2048;

std::array<std::uint32_t, 2> initial;  // sequence numbers of the SYNs

char octet(Side side, std::uint64_t place) {
    return static_cast<char>((place * 0x9E3779B97F4A7C15ULL >> 37) ^ (place >> 8) ^ index(side));
}

/// One segment, in offsets of its streams.
struct Sent {
    Side from = Side::orig;
    std::uint64_t offset = 0;
    std::size_t length = 0;
    std::uint64_t ack = 0;
    std::uint8_t flags = Segment::ack;
    bool handshake = false;
    std::size_t cut_off = 0;  ///< bytes that the capture lacks
};

class Receiver final : public tcp::StreamSink {
  public:
    explicit Receiver(tcp::Connection& conn) : conn_(&conn) {}

    /// What the octets of [offset, offset + length) need before them, of the other stream.
    void note_sent(const Sent& s) {
        auto& needs = needs_[index(s.from)];
        if (needs.size() < s.offset + s.length) needs.resize(s.offset + s.length, ~std::uint64_t{0});
        for (std::size_t i = 0; i < s.length; ++i) needs[s.offset + i] = std::min(needs[s.offset + i], s.ack);
    }
    Disposition data(Side side, std::string_view bytes, Timestamp) override {
        ENSURE(!bytes.empty() && !ended_[index(side)] && conn_->followed());
        for (const char c : bytes) {
            std::uint64_t& at = at_[index(side)];
            if (known_) {
                ENSURE(c == octet(side, static_cast<std::uint32_t>(at)));  // sequence numbers wrap
                if (!needs_[index(side)].empty()) ENSURE(needs_[index(side)][at] <= at_[index(opposite(side))]);
            }
            ++at;
        }
        received_[index(side)] += bytes.size();
        return stop_after_ != 0 && received_[0] + received_[1] >= stop_after_ ? Disposition::tls : Disposition::follow;
    }
    Disposition gap(Side side, std::uint64_t length, Timestamp) override {
        ENSURE(conn_->followed() && !ended_[index(side)]);
        if (length == 0) {
            ENSURE(received_[index(side)] == 0);
            known_ = false;
        }
        ++gaps_;
        at_[index(side)] += length;
        return Disposition::follow;
    }
    Disposition end(Side side, Timestamp) override {
        ENSURE(!ended_[index(side)] && conn_->followed());
        ended_[index(side)] = true;
        return Disposition::follow;
    }

    void stop_after(std::uint64_t bytes) { stop_after_ = bytes; }
    /// The first sequence numbers do not come from the input.
    void forget_places() { known_ = false; }
    std::uint64_t received(Side side) const { return received_[index(side)]; }
    bool ended(Side side) const { return ended_[index(side)]; }
    std::uint64_t gaps() const { return gaps_; }

  private:
    tcp::Connection* conn_;
    std::array<std::vector<std::uint64_t>, 2> needs_;
    std::array<std::uint64_t, 2> at_{}, received_{};
    std::array<bool, 2> ended_{};
    std::uint64_t gaps_ = 0, stop_after_ = 0;
    bool known_ = true;
};

void deliver(const Sent& sent, Timestamp now, tcp::Connection& conn, Receiver& receiver) {
    std::string payload;
    for (std::size_t i = 0; i + sent.cut_off < sent.length; ++i) payload += octet(sent.from, sent.offset + i);
    Segment s;
    s.ts = now;
    s.flags = sent.flags;
    s.seq = initial[index(sent.from)] + 1 + static_cast<std::uint32_t>(sent.offset) - (sent.handshake ? 1 : 0);
    s.ack_seq = initial[index(opposite(sent.from))] + 1 + static_cast<std::uint32_t>(sent.ack);
    s.payload = payload;
    s.wire_payload = static_cast<std::uint32_t>(sent.length);
    conn.segment(sent.from, s, receiver);
}

const Sent handshake[] = {{Side::orig, 0, 0, 0, Segment::syn, true, 0},
                          {Side::resp, 0, 0, 0, Segment::syn | Segment::ack, true, 0}};

/// A conversation, every segment acknowledging what its sender had then, and the order in which it is captured.
void run_honest(Input& in, bool shuffle_handshake) {
    std::vector<Sent> sent(std::begin(handshake), std::end(handshake));
    std::array<std::uint64_t, 2> size{}, had{};
    const std::uint32_t seed = in.u32();
    while (!in.empty() && sent.size() < 200) {
        const std::uint8_t what = in.byte();
        Sent s;
        s.from = (what & 1) != 0 ? Side::resp : Side::orig;
        std::uint64_t& mine = size[index(s.from)];
        std::uint64_t& other_had = had[index(s.from)];
        if ((what & 2) != 0) other_had = size[index(opposite(s.from))];  // all that was on its way has arrived
        s.offset = mine;
        s.ack = other_had;
        s.length = std::min<std::size_t>(1 + what / 4, stream_size - mine);
        if (s.length == 0) break;
        mine += s.length;
        sent.push_back(s);
    }
    for (const Side side : {Side::orig, Side::resp}) {
        Sent fin{side, size[index(side)], 0, had[index(side)], Segment::fin | Segment::ack, false, 0};
        sent.push_back(fin);
    }

    tcp::Accounts accounts;
    Limits limits;
    tcp::Connection conn(limits, accounts);
    Receiver receiver(conn);
    // As long as nothing of one end was captured, the other's stream waits for nothing.
    if (!shuffle_handshake)
        for (const Sent& s : sent) receiver.note_sent(s);
    fuzz::Random random(seed);
    const std::size_t reach = 1 + random.below(40);  // how much later a segment may be captured
    if (!shuffle_handshake) {
        for (const Sent& s : handshake) deliver(s, Timestamp{}, conn, receiver);
        sent.erase(sent.begin(), sent.begin() + 2);
    }
    // Without a handshake the connection begins where its first segments say, if it does not come soon.
    for (unsigned captured = 0; !sent.empty(); ++captured) {
        if (captured == late_handshake)
            for (const Sent& s : handshake) deliver(s, Timestamp{}, conn, receiver);
        const std::size_t i = random.below(static_cast<std::uint32_t>(std::min(reach, sent.size())));
        deliver(sent[i], Timestamp{}, conn, receiver);
        if (random.below(4) != 0) sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(i));  // else it comes again
    }
    conn.close(Timestamp{}, receiver);
    for (const Side side : {Side::orig, Side::resp})
        ENSURE(receiver.received(side) == size[index(side)] && receiver.ended(side));
    ENSURE(receiver.gaps() == 0 && accounts.gaps == 0 && accounts.memory == 0);
}

void run_hostile(Input& in, bool with_handshake, bool with_stop) {
    tcp::Accounts accounts;
    Limits limits;
    limits.flow_memory = flow_memory;
    {
        tcp::Connection conn(limits, accounts);
        Receiver receiver(conn);
        if (with_stop) receiver.stop_after(in.byte() + 1U);
        Timestamp now{};
        if (with_handshake)
            for (const Sent& s : handshake) deliver(s, now, conn, receiver);
        else
            receiver.forget_places();
        while (!in.empty()) {
            const std::uint8_t what = in.byte();
            now += std::chrono::milliseconds(what & 0x1f);
            if (conn.blocked_since() && *conn.blocked_since() + limits.gap_timeout <= now) {
                conn.give_up_waiting(now, receiver);
            }
            Sent s;
            s.from = (what & 0x20) != 0 ? Side::resp : Side::orig;
            s.offset = in.below(stream_size);
            s.length = std::min<std::size_t>(in.byte(), stream_size - s.offset);
            s.flags = static_cast<std::uint8_t>(in.byte() & ~Segment::syn);
            s.ack = (what & 0x40) != 0 ? in.u32() : in.below(stream_size);
            if ((what & 0x80) != 0) s.cut_off = std::min<std::size_t>(s.length, in.byte());
            deliver(s, now, conn, receiver);
            // What waits is bounded: beyond the limit there is at most the segment that passed it.
            if (with_handshake) ENSURE(accounts.memory <= flow_memory * 2 + 1024);
            ENSURE(!conn.blocked_since() || !conn.closed());
        }
        if (with_handshake) conn.close(now, receiver);
    }
    if (with_handshake) ENSURE(accounts.memory == 0);
}

void run(Input in) {
    const std::uint8_t mode = in.byte();
    initial = {in.u32(), in.u32()};
    if ((mode & 1) != 0)
        run_honest(in, (mode & 2) != 0);
    else
        run_hostile(in, (mode & 2) == 0, (mode & 4) != 0);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
