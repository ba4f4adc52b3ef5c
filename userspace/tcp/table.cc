// SPDX-License-Identifier: BSD-3-Clause
#include "tcp/table.h"

#include <algorithm>
#include <utility>

namespace smtpscope::tcp {

using net::Segment;

namespace {

constexpr Duration check_interval = std::chrono::milliseconds(100);
constexpr Duration closing_timeout = std::chrono::minutes(1);  // after the FIN of one end, like TCP's FIN-WAIT-2
constexpr std::uint32_t unwanted_interval = 64;                // segments with payload between two calls of ignore()
constexpr std::size_t embryonic_share = 8;  // at most one in this many connections may be a handshake

/// For a connection that has no session yet, because it has had no payload.
struct Nobody final : StreamSink {
    Disposition data(Side, std::string_view, Timestamp) override { return Disposition::follow; }
    Disposition gap(Side, std::uint64_t, Timestamp) override { return Disposition::follow; }
    Disposition end(Side, Timestamp) override { return Disposition::follow; }
} nobody;

}  // namespace

std::size_t Table::KeyHash::operator()(const Key& k) const noexcept {
    const std::size_t ends = std::hash<Address>{}(k.a) * 31 + std::hash<Address>{}(k.b);
    const std::size_t ports = std::size_t{k.a_port} << 16 | k.b_port;
    std::size_t h = (ends ^ ports) * 0x9E3779B97F4A7C15ULL;
    return h ^ (h >> 29);
}

Table::Table(const Limits& limits, const std::vector<std::uint16_t>& server_ports, SessionFactory& factory)
    : limits_(&limits), factory_(&factory), server_ports_(65536) {
    for (const std::uint16_t port : server_ports) server_ports_[port] = true;
}

Table::~Table() = default;

ConnId Table::Flow::id() const {
    const Key& k = *key;
    return a_is_originator ? ConnId{k.a, k.a_port, k.b, k.b_port} : ConnId{k.b, k.b_port, k.a, k.a_port};
}

Side Table::Flow::sender_of(const Segment& s) const {
    const bool from_a = s.src == key->a && s.sport == key->a_port;
    return from_a == a_is_originator ? Side::orig : Side::resp;
}

StreamSink& Table::Flow::sink() {
    if (session) return *session;
    return nobody;
}

FlowSummary Table::Flow::summary() const {
    FlowSummary s;
    s.id = id();
    s.begin = begin;
    s.last = last;
    s.orig_bytes = conn.received(Side::orig);
    s.resp_bytes = conn.received(Side::resp);
    if (session) session->describe(s);
    if (!conn.followed()) s.stage = conn.disposition() == Disposition::tls ? FlowStage::tls : FlowStage::ignored;
    if (conn.half_closed()) s.stage = FlowStage::closing;
    return s;
}

Table::Key Table::key_of(const Segment& s) {
    Key k{s.src, s.dst, s.sport, s.dport};
    if (std::pair(k.b, k.b_port) < std::pair(k.a, k.a_port)) {
        std::swap(k.a, k.b);
        std::swap(k.a_port, k.b_port);
    }
    return k;
}

Table::Flow* Table::find(const Key& key) {
    if (recent_ && *recent_->key == key) return recent_;
    const auto it = flows_.find(key);
    return recent_ = it == flows_.end() ? nullptr : &it->second;
}

/// Opens a connection with its first packet; nullptr if that packet cannot begin one.
Table::Flow* Table::open(const Key& key, const Segment& s) {
    const bool begins = s.has(Segment::syn) && !s.has(Segment::rst);
    if (!begins && s.wire_payload == 0) {
        ++stats_.stray;
        return nullptr;
    }
    // The handshake tells who began; in mid-stream the server is the end with a server's port.
    const bool from_orig = begins ? !s.has(Segment::ack) : is_server(s.dport);
    if (!is_server(from_orig ? s.dport : s.sport)) {
        ++stats_.not_mail;
        return nullptr;
    }
    if (limits_->flows > 0) {
        const std::size_t most_embryonic = std::max<std::size_t>(1, limits_->flows / embryonic_share);
        while (embryonic_.size() >= most_embryonic) evict(embryonic_);
        while (flows_.size() >= limits_->flows)
            evict(!embryonic_.empty() ? embryonic_ : !closing_.empty() ? closing_ : active_);
    }
    const auto entry = flows_.try_emplace(key, *limits_, accounts_).first;
    Flow& flow = entry->second;
    flow.key = &entry->first;
    flow.a_is_originator = (s.src == key.a && s.sport == key.a_port) == from_orig;
    flow.begin = flow.last = s.ts;
    ++stats_.opened;
    touch(flow, embryonic_);
    return recent_ = &flow;
}

/// True if the segment belongs to a new connection on the ports of this one: its old end was not captured.
bool Table::reopens(Flow& flow, Side from, const Segment& s) {
    if (!s.has(Segment::syn)) return false;
    if (flow.over) return !s.has(Segment::ack);
    if (!s.has(Segment::ack)) {
        if (from == Side::orig && flow.conn.first_seq(Side::orig) == s.seq + 1) return false;  // a retransmission
        flow.reopening = s.seq + 1;
        return flow.conn.half_closed() || !flow.conn.has_payload();
    }
    // Anybody can send a SYN; but when the other end answers it, the old connection is gone.
    return flow.reopening != 0 && s.ack_seq == flow.reopening;
}

void Table::segment(const Segment& arrived) {
    // Time never goes back, even where a capture's does.
    Segment s = arrived;
    s.ts = now_ = std::max(now_, s.ts);
    ++stats_.segments;
    const Key key = key_of(s);
    Flow* flow = find(key);
    if (flow) {
        if (reopens(*flow, flow->sender_of(s), s)) {
            const std::uint32_t syn = flow->reopening;
            erase(*flow, Ending::closed);
            flow = nullptr;
            if (s.has(Segment::ack)) {  // the SYN itself came before this segment
                Segment first = s;
                std::swap(first.src, first.dst);
                std::swap(first.sport, first.dport);
                first.flags = Segment::syn;
                first.seq = syn - 1;
                first.payload = {};
                first.wire_payload = 0;
                flow = open(key, first);
                if (flow) deliver(*flow, Side::orig, first);
            }
        }
    }
    if (!flow) flow = open(key, s);
    if (!flow) return;
    if (flow->over) {
        ++stats_.stray;
        return;
    }
    deliver(*flow, flow->sender_of(s), s);
    if (now_ >= next_check_) advance(now_);
}

void Table::deliver(Flow& flow, Side from, const Segment& s) {
    flow.last = now_;
    if (s.wire_payload > 0 && !flow.session) flow.session = factory_->open(flow.id(), flow.begin, flow.conn);
    if (s.sender.known() && s.wire_payload > 0 && !flow.told_sender[index(from)]) {
        flow.told_sender[index(from)] = true;
        flow.session->sent_by(from, s.sender);
    }
    if (!flow.conn.followed() && s.wire_payload > 0 && flow.unwanted++ % unwanted_interval == 0)
        factory_->ignore(flow.id(), flow.conn.disposition());
    flow.conn.segment(from, s, flow.sink());
    tell_ignored(flow);
    if (flow.conn.closed()) {
        retire(flow);
    }
    touch(flow, flow.over || flow.conn.half_closed() ? closing_ : flow.session ? active_ : embryonic_);
    update_waiting(flow);
}

/// Moves it to the end of the queue: the most recently used.
void Table::touch(Flow& flow, Queue& queue) {
    if (flow.queue) flow.queue->erase(flow.queue->iterator_to(flow));
    queue.push_back(flow);
    flow.queue = &queue;
}

void Table::update_waiting(Flow& flow) {
    const bool waits = flow.conn.blocked_since().has_value();
    if (waits == flow.InWaiting::is_linked()) return;
    if (waits)
        waiting_.push_back(flow);
    else
        waiting_.erase(waiting_.iterator_to(flow));
}

void Table::evict(Queue& queue) {
    ++stats_.evicted;
    erase(queue.front(), Ending::evicted);
}

void Table::expire(Queue& queue, Duration timeout) {
    if (timeout <= Duration::zero()) return;
    while (!queue.empty() && queue.front().last + timeout <= now_) erase(queue.front(), Ending::timeout);
}

void Table::advance(Timestamp now) {
    now_ = std::max(now_, now);
    if (now_ < next_check_) return;
    next_check_ = now_ + check_interval;
    // A wait that began again keeps its place, so that one pass looks at every waiting connection at most once.
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        Flow& flow = *it++;
        if (*flow.conn.blocked_since() + limits_->gap_timeout > now_) continue;
        flow.conn.give_up_waiting(now_, flow.sink());
        tell_ignored(flow);
        if (flow.conn.closed()) {
            retire(flow);
        }
        update_waiting(flow);
    }
    expire(embryonic_, limits_->handshake_timeout);
    expire(closing_, closing_timeout);
    expire(active_, limits_->idle_timeout);
}

void Table::tell_ignored(Flow& flow) {
    if (flow.conn.followed() || flow.ignored) return;
    flow.ignored = true;
    ++stats_.ignored;
    factory_->ignore(flow.id(), flow.conn.disposition());
}

void Table::end_session(Flow& flow, Ending why) {
    if (!flow.session) return;
    flow.conn.close(now_, *flow.session);
    tell_ignored(flow);
    flow.session->finish(now_, flow.conn.saw_end() ? Ending::closed : why);
    flow.session.reset();
    factory_->closed(flow.id());
}

/// The connection is over; its entry stays for a while.
void Table::retire(Flow& flow) {
    end_session(flow, Ending::closed);
    flow.over = true;
    ++over_;
}

void Table::erase(Flow& flow, Ending why) {
    end_session(flow, why);
    if (flow.over) --over_;
    if (flow.InWaiting::is_linked()) waiting_.erase(waiting_.iterator_to(flow));
    flow.queue->erase(flow.queue->iterator_to(flow));
    if (recent_ == &flow) recent_ = nullptr;
    flows_.erase(flows_.find(*flow.key));
}

std::vector<FlowSummary> Table::latest(std::size_t limit) const {
    // Each queue is in the order of the last packets, the latest at its end.
    struct Reading {
        Queue::const_reverse_iterator next, end;
    };
    std::vector<Reading> readings;
    for (const Queue* queue : {&embryonic_, &active_, &closing_})
        if (!queue->empty()) readings.push_back({queue->rbegin(), queue->rend()});
    std::vector<FlowSummary> all;
    while (all.size() < limit && !readings.empty()) {
        const auto latest = std::max_element(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
            return a.next->last < b.next->last;
        });
        if (!latest->next->over) all.push_back(latest->next->summary());
        if (++latest->next == latest->end) readings.erase(latest);
    }
    return all;
}

void Table::finish(Ending why) {
    for (Queue* queue : {&closing_, &active_, &embryonic_})
        while (!queue->empty()) erase(queue->front(), why);
}

}  // namespace smtpscope::tcp
