// SPDX-License-Identifier: BSD-3-Clause
#include "net/fragments.h"

#include <algorithm>
#include <cstring>

#include "net/checksum.h"
#include "net/extensions.h"

namespace smtpscope::net {

namespace {

constexpr Duration timeout_v4 = std::chrono::seconds(30), timeout_v6 = std::chrono::seconds(60);
constexpr std::uint32_t max_distance = 64;  // between two fragments of a datagram, in fragments of their sender
constexpr std::size_t max_length = 65535;   // of an IPv4 packet, and of the payload of an IPv6 packet
constexpr std::size_t ipv6_header = 40, tcp_min_header = 20;
constexpr std::size_t node_overhead = 64;  // of a tree's or list's node, and of a block of memory

/// The headers between an IPv6 header and its payload, as far as they are present.
struct Chain {
    std::uint8_t next;   ///< of the first that is not an extension header, or of the one that is cut off
    std::size_t length;  ///< of the headers up to it; may be more than is present
    bool cut;            ///< before the length field of that one
};

Chain chain_of(std::uint8_t next, Bytes data) {
    std::size_t length = 0;
    while (is_extension_header(next)) {
        if (data.size() < length + 2) return {next, length, true};
        const std::uint8_t following = data[length];
        length += extension_header_size(next, data[length + 1]);
        next = following;
    }
    return {next, length, false};
}

/// Whether an IPv6 fragment is refused before its datagram is looked up.
bool refused(const Fragment& f) {
    if (f.offset + f.data.size() > max_length) return true;
    if (f.more && f.data.size() % 8 != 0) return true;
    if (f.offset != 0) return false;
    // Linux lets a chain pass that is cut between two extension headers.
    const Chain chain = chain_of(f.next, f.data);
    return !chain.cut && chain.next == protocol_tcp && chain.length + tcp_min_header > f.data.size();
}

bool is_of_link(const Address& a) {
    return a.bytes()[0] == 0xff || (a.bytes()[0] == 0xfe && (a.bytes()[1] & 0xc0) == 0x80);
}

void set16(std::uint8_t* p, std::size_t value) {
    p[0] = static_cast<std::uint8_t>(value >> 8);
    p[1] = static_cast<std::uint8_t>(value);
}

void complete_ipv4_header(std::vector<std::uint8_t>& packet, std::size_t header) {
    set16(&packet[2], packet.size());
    set16(&packet[6], 0);
    set16(&packet[10], 0);
    const std::uint16_t sum = static_cast<std::uint16_t>(~fold(partial_sum(Bytes(packet).first(header))));
    std::memcpy(&packet[10], &sum, sizeof sum);
}

}  // namespace

/// False if a fragment cannot end there.
bool Defragmenter::Contents::extend(std::uint32_t end, bool more) {
    if (!more) {
        if (end < length || (has_end && end != length)) return false;
        has_end = true;
        length = end;
    } else if (end > length) {
        if (has_end) return false;
        length = end;
    }
    return true;
}

Defragmenter::Fit Defragmenter::Contents::insert(std::uint32_t offset, Bytes data) {
    const auto end = [](const Runs::value_type& run) { return run.first + run.second.size(); };
    const std::size_t data_end = offset + data.size();
    const auto after = runs.upper_bound(offset);
    if (after != runs.begin()) {
        auto& before = *std::prev(after);
        if (offset < end(before)) return data_end <= end(before) ? Fit::repeated : Fit::overlapping;
        if (offset == end(before) && after == runs.end()) {
            memory -= before.second.capacity();
            before.second.insert(before.second.end(), data.begin(), data.end());
            memory += before.second.capacity();
            return Fit::placed;
        }
    }
    if (after != runs.end() && after->first < data_end) return Fit::overlapping;
    const auto run = runs.emplace_hint(after, offset, std::vector<std::uint8_t>(data.begin(), data.end()));
    memory += sizeof(Runs::value_type) + run->second.capacity() + 2 * node_overhead;
    return Fit::placed;
}

Defragmenter::Fit Defragmenter::Contents::place(const Fragment& f, Bytes data, Checksum validity) {
    if (!extend(f.offset + static_cast<std::uint32_t>(data.size()), f.more) || data.empty()) return Fit::invalid;
    if (const Fit fit = insert(f.offset, data); fit != Fit::placed) return fit;
    ++fragments;
    octets += static_cast<std::uint32_t>(data.size());
    ecn_seen |= static_cast<std::uint8_t>(1 << f.ecn);
    if (validity == Checksum::ignore) checksum = Checksum::ignore;
    if (f.offset == 0) {
        headers.assign(f.headers.begin(), f.headers.end());
        memory += headers.capacity() + node_overhead;
        next = f.next;
        next_at = f.next_at;
    }
    return Fit::placed;
}

std::optional<Packet> Defragmenter::add(const Packet& packet, const Fragment& f) {
    advance(packet.ts);
    const bool piece = packet.offset != 0 || packet.more_pieces;
    if (piece || f.data.size() < f.wire_data) {
        ++stats_.cut;
        return std::nullopt;
    }
    if (f.v6 && refused(f)) {
        ++stats_.invalid;
        return std::nullopt;
    }
    Datagram& d = find(key_of(packet, f));
    if (!f.v6 && too_far(d)) restart(d);
    if (place(d, packet, f) != Fit::placed) return std::nullopt;
    if (d.contents.whole()) return put_together(d, packet);
    evict();
    return std::nullopt;
}

void Defragmenter::advance(Timestamp now) {
    now_ = std::max(now_, now);
    expire(v4_, timeout_v4);
    expire(v6_, timeout_v6);
}

void Defragmenter::finish() {
    for (Queue* queue : {&v4_, &v6_})
        while (!queue->empty()) erase(*queue->front(), stats_.expired);
}

Defragmenter::Key Defragmenter::key_of(const Packet& packet, const Fragment& f) {
    return {f.src, f.dst, f.id, f.v6 && is_of_link(f.dst) ? packet.ifindex : 0, f.v6};
}

/// The datagram with that key; a new one if there is none.
Defragmenter::Datagram& Defragmenter::find(const Key& key) {
    const auto [it, is_new] = datagrams_.try_emplace(key);
    Datagram& d = it->second;
    if (!is_new) return d;
    d.key = &it->first;
    d.begin = now_;
    Queue& queue = queue_of(d);
    d.place = queue.insert(queue.end(), &d);
    if (!key.v6) {
        d.source = sources_.try_emplace(key.src).first;
        ++d.source->second.datagrams;
    }
    stats_.memory += datagram_overhead;
    return d;
}

/// True if so many fragments of other datagrams came from its sender that this fragment may belong to a new datagram.
bool Defragmenter::too_far(Datagram& d) {
    const std::uint32_t before = d.rank;
    d.rank = ++d.source->second.fragments;
    return d.contents.fragments != 0 && d.rank - before > max_distance;
}

/// Counts the fragment; ends the datagram if the fragment contradicts it.
Defragmenter::Fit Defragmenter::place(Datagram& d, const Packet& packet, const Fragment& f) {
    const std::size_t before = d.contents.memory;
    const Bytes data = f.more ? f.data.first(f.data.size() / 8 * 8) : f.data;
    const Fit fit = d.contents.place(f, data, packet.checksum);
    stats_.memory += d.contents.memory - before;
    switch (fit) {
        case Fit::placed:
            ++stats_.held;
            break;
        case Fit::repeated:
            ++stats_.repeated;
            break;
        case Fit::overlapping:
            ++stats_.overlapping;
            erase(d, stats_.overlapping);
            break;
        case Fit::invalid:
            ++stats_.invalid;
            erase(d, stats_.invalid);
            break;
    }
    return fit;
}

std::optional<Packet> Defragmenter::put_together(Datagram& d, const Packet& last) {
    const Contents& c = d.contents;
    const bool v6 = d.key->v6;
    const std::size_t header = c.headers.size();
    const std::size_t length = header + c.length - (v6 ? ipv6_header : 0);  // as the header counts it
    const bool mixed_ecn = (c.ecn_seen & 1) != 0 && c.ecn_seen != 1;
    packet_.assign(c.headers.begin(), c.headers.end());
    for (const auto& [offset, data] : c.runs) packet_.insert(packet_.end(), data.begin(), data.end());
    if (length > max_length || mixed_ecn ||
        (v6 && chain_of(c.next, Bytes(packet_).subspan(header)).next == fragment_header)) {
        erase(d, stats_.invalid);
        return std::nullopt;
    }
    if (v6) {
        packet_[c.next_at] = c.next;
        set16(&packet_[4], length);
    } else {
        complete_ipv4_header(packet_, header);
    }
    Packet whole;
    whole.ts = last.ts;
    whole.link = LinkType::raw_ip;
    whole.checksum = c.checksum;
    whole.ifindex = last.ifindex;
    whole.wire_length = static_cast<std::uint32_t>(packet_.size());
    whole.data = packet_;
    ++stats_.packets;
    erase(d, stats_.reassembled);
    return whole;
}

void Defragmenter::expire(Queue& queue, Duration timeout) {
    while (!queue.empty() && now_ - queue.front()->begin >= timeout) erase(*queue.front(), stats_.expired);
}

void Defragmenter::evict() {
    if (limits_->fragment_memory == 0) return;
    while (stats_.memory > limits_->fragment_memory) {
        const bool older_v4 = !v4_.empty() && (v6_.empty() || v4_.front()->begin <= v6_.front()->begin);
        erase(*(older_v4 ? v4_ : v6_).front(), stats_.evicted);
    }
}

void Defragmenter::drop(Contents& contents, std::uint64_t& cause) {
    cause += contents.fragments;
    stats_.held -= contents.fragments;
    stats_.memory -= contents.memory;
    contents = {};
}

void Defragmenter::restart(Datagram& d) {
    drop(d.contents, stats_.expired);
    d.begin = now_;
    v4_.splice(v4_.end(), v4_, d.place);
}

void Defragmenter::erase(Datagram& d, std::uint64_t& cause) {
    drop(d.contents, cause);
    stats_.memory -= datagram_overhead;
    queue_of(d).erase(d.place);
    const Key key = *d.key;
    if (!key.v6 && --d.source->second.datagrams == 0) sources_.erase(d.source);
    datagrams_.erase(key);
}

}  // namespace smtpscope::net
