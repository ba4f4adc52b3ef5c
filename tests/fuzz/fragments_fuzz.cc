// SPDX-License-Identifier: BSD-3-Clause
// IP fragments. A few datagrams of both families, cut, repeated, contradicted and delayed as the input says, against a
// reassembler that is too plain to be wrong: it tracks every octet by itself. With a limit of memory only the bounds
// are held to.
#include <map>
#include <optional>
#include <vector>

#include "fuzz.h"
#include "net/fragments.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using net::Decoded;
using net::Fragment;

using Buffer = std::vector<std::uint8_t>;

/// A fragment as the input says it.
struct Sent {
    bool v6 = false;
    std::uint8_t host = 0, id = 0, ecn = 0;
    std::uint8_t next = 6;  ///< IPv6
    std::size_t offset = 0;
    bool more = false;
    Buffer data;
    bool checked = true;    ///< its checksums are to be validated
    bool cut = false;       ///< the capture lacks its last octet
    std::int64_t time = 0;  ///< in seconds
};

void put16(Buffer& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

/// The header of an IPv4 packet or fragment, with its checksum.
Buffer ipv4_header(const Sent& s, std::uint8_t tos, std::size_t length, std::size_t place) {
    Buffer out = {0x45, tos};
    put16(out, length);
    put16(out, s.id);
    put16(out, place);
    const std::uint8_t rest[12] = {64, 6, 0, 0, 10, 0, 0, s.host, 10, 0, 0, 9};
    out.insert(out.end(), rest, rest + 12);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < out.size(); i += 2) sum += static_cast<std::uint32_t>(out[i] << 8 | out[i + 1]);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    out[10] = static_cast<std::uint8_t>(~sum >> 8);
    out[11] = static_cast<std::uint8_t>(~sum);
    return out;
}

Buffer ipv6_header(const Sent& s, std::uint8_t ecn, std::size_t length, std::uint8_t next) {
    Buffer out = {0x60, static_cast<std::uint8_t>(ecn << 4), 0, 0};
    put16(out, length);
    out.push_back(next);
    out.push_back(64);
    for (const std::uint8_t host : {s.host, std::uint8_t{9}}) {
        out.push_back(0x20);
        out.insert(out.end(), 14, 0);
        out.push_back(host);
    }
    return out;
}

Buffer frame_of(const Sent& s) {
    Buffer out;
    if (s.v6) {
        out = ipv6_header(s, s.ecn, 8 + s.data.size(), 44);
        out.push_back(s.next);
        out.push_back(0);
        put16(out, s.offset | (s.more ? 1 : 0));
        put16(out, 0);
        put16(out, s.id);
    } else {
        out = ipv4_header(s, s.ecn, 20 + s.data.size(), s.offset / 8 | (s.more ? 0x2000 : 0));
    }
    out.insert(out.end(), s.data.begin(), s.data.end());
    return out;
}

/// What a packet came to.
struct Whole {
    Buffer bytes;
    bool checked = true;
};

class Plain {
  public:
    std::optional<Whole> add(const Sent& s) {
        now_ = std::max(now_, s.time);
        for (auto it = datagrams_.begin(); it != datagrams_.end();)
            it = now_ - it->second.begin >= (it->second.v6 ? 60 : 30) ? end(it, expired) : std::next(it);
        if (s.cut) return ++cut, std::nullopt;
        if (s.v6 && bad_ipv6(s)) return ++invalid, std::nullopt;
        const Key key{s.v6, s.host, s.id};
        if (!s.v6) came_.push_back(key);
        auto it = datagrams_.find(key);
        if (it != datagrams_.end() && !s.v6 && others_since_last(key) > 63) it = end(it, expired);
        if (!datagrams_.contains(key)) it = datagrams_.emplace(key, Datagram{s.v6, now_, {}, {}, {}}).first;
        return join(it, s);
    }
    void finish() {
        while (!datagrams_.empty()) end(datagrams_.begin(), expired);
    }
    std::uint64_t held() const {
        std::uint64_t n = 0;
        for (const auto& [key, d] : datagrams_) n += d.fragments.size();
        return n;
    }

    std::uint64_t reassembled = 0, repeated = 0, expired = 0, overlapping = 0, invalid = 0, cut = 0;

  private:
    struct Key {
        bool v6;
        std::uint8_t host, id;
        auto operator<=>(const Key&) const = default;
    };
    struct Octet {
        std::uint8_t value = 0;
        int run = 0;  ///< 0: not there
    };
    struct Datagram {
        bool v6;
        std::int64_t begin;
        std::vector<Sent> fragments;
        std::vector<Octet> octets;      ///< up to the last that is there
        std::vector<std::size_t> ends;  ///< of fragments that were the last
    };
    using Place = std::map<Key, Datagram>::iterator;

    static bool bad_ipv6(const Sent& s) {
        if (s.offset + s.data.size() > 65535) return true;
        if (s.more && s.data.size() % 8 != 0) return true;
        return s.offset == 0 && s.next == 6 && s.data.size() < 20;
    }
    /// Fragments of the same host, of other datagrams, since the one before the last of this one.
    std::size_t others_since_last(const Key& key) const {
        std::size_t n = 0;
        for (std::size_t i = came_.size() - 1; i-- > 0;) {
            if (came_[i] == key) return n;
            if (came_[i].host == key.host) ++n;
        }
        return n;
    }
    Place end(Place it, std::uint64_t& cause) {
        cause += it->second.fragments.size();
        return datagrams_.erase(it);
    }
    std::optional<Whole> join(Place it, const Sent& s) {
        Datagram& d = it->second;
        std::size_t size = s.data.size();
        if (s.more) size -= size % 8;
        const std::size_t stop = s.offset + size;
        bool possible = size > 0;
        for (const Sent& other : d.fragments)
            if (!s.more && other.offset + other.data.size() > stop) possible = false;
        for (const std::size_t e : d.ends)
            if (s.more ? stop > e : stop != e) possible = false;
        std::size_t known = 0;
        int run = 0;
        bool one_run = true;
        for (std::size_t i = s.offset; i < stop; ++i) {
            if (i >= d.octets.size() || d.octets[i].run == 0) continue;
            one_run &= known == 0 || d.octets[i].run == run;
            run = d.octets[i].run;
            ++known;
        }
        if (!possible) return ++invalid, end(it, invalid), std::nullopt;
        if (known == size && one_run) return ++repeated, note_end(d, s, stop), std::nullopt;
        if (known != 0) return ++overlapping, end(it, overlapping), std::nullopt;
        run = !d.octets.empty() && d.octets.size() == s.offset ? d.octets.back().run : next_run_++;
        if (d.octets.size() < stop) d.octets.resize(stop);
        for (std::size_t i = 0; i < size; ++i) d.octets[s.offset + i] = {s.data[i], run};
        d.fragments.push_back(s);
        d.fragments.back().data.resize(size);
        note_end(d, s, stop);
        return whole(it);
    }
    static void note_end(Datagram& d, const Sent& s, std::size_t stop) {
        if (!s.more) d.ends.push_back(stop);
    }
    std::optional<Whole> whole(Place it) {
        const Datagram& d = it->second;
        if (d.ends.empty()) return std::nullopt;
        for (const Octet& octet : d.octets)
            if (octet.run == 0) return std::nullopt;
        if (d.octets.size() != d.ends[0]) return std::nullopt;
        Whole out;
        Sent first;
        bool capable = false, incapable = false;
        for (const Sent& s : d.fragments) {
            (s.ecn == 0 ? incapable : capable) = true;
            out.checked &= s.checked;
            if (s.offset == 0) first = s;
        }
        const std::size_t length = d.octets.size();
        if ((capable && incapable) || length + (d.v6 ? 0 : 20) > 65535 || (d.v6 && first.next == 44))
            return end(it, invalid), std::nullopt;
        out.bytes =
            d.v6 ? ipv6_header(first, first.ecn, length, first.next) : ipv4_header(first, first.ecn, 20 + length, 0);
        for (const Octet& octet : d.octets) out.bytes.push_back(octet.value);
        end(it, reassembled);
        return out;
    }

    std::int64_t now_ = 0;
    int next_run_ = 1;
    std::map<Key, Datagram> datagrams_;
    std::vector<Key> came_;  ///< over IPv4
};

/// The next fragment of the input. Most are of 8-byte units, near the beginning, and small.
Sent read(Input& in, std::int64_t& time) {
    Sent s;
    const std::uint8_t what = in.byte(), where = in.byte(), how = in.byte();
    s.v6 = (what & 1) != 0;
    s.host = what >> 1 & 1;
    s.id = (what >> 2 & 3) == 3 ? in.byte() : what >> 2 & 3;
    s.more = (what & 0x10) != 0;
    s.checked = (what & 0x20) != 0;
    s.offset = std::size_t{(what & 0xc0) == 0xc0 ? in.u16() & 0x1fffU : where % 16U} * 8;
    std::size_t size = std::size_t{how % 16U} * 8;
    if (how >> 4 == 12) size = in.u16() % 40000U;
    if ((how & 0x30) == 0x30) {
        const std::uint8_t odd = in.byte();
        s.ecn = odd & 3;
        s.cut = (odd & 4) != 0;
        size += odd >> 3 & 7;
        time += (odd >> 6) * 11 - ((odd >> 6) == 3 ? 40 : 0);
        if (odd == 0xff) s.next = 44;
        if (odd == 0xfe) s.next = 17;
    }
    size = std::min<std::size_t>(size, 65000);
    if (!s.more && s.offset == 0) s.more = true;  // else it is none
    s.data.resize(size);
    for (std::size_t i = 0; i < size; ++i) s.data[i] = static_cast<std::uint8_t>(std::size_t{where} * 3 + i);
    if (s.data.empty()) s.cut = false;
    s.time = time;
    return s;
}

std::optional<Packet> give(net::Defragmenter& fragments, const Sent& s) {
    Buffer frame = frame_of(s);
    Packet p;
    p.ts = Timestamp{} + std::chrono::seconds(s.time);
    p.link = LinkType::raw_ip;
    p.checksum = s.checked ? Checksum::validate : Checksum::ignore;
    p.wire_length = static_cast<std::uint32_t>(frame.size());
    if (s.cut) frame.pop_back();
    frame.shrink_to_fit();
    p.data = frame;
    net::Segment segment;
    Fragment f;
    ENSURE(net::decode(p, segment, &f) == Decoded::fragment);
    return fragments.add(p, f);
}

void check_sum(const net::FragmentStats& s, std::uint64_t given) {
    ENSURE(s.reassembled + s.repeated + s.expired + s.overlapping + s.invalid + s.evicted + s.cut + s.held == given);
    ENSURE((s.held == 0) == (s.memory == 0));
}

void run(Input in) {
    const std::uint8_t limit = in.byte();
    Limits limits, none;
    limits.fragment_memory = 1000 + std::size_t{limit} * 100;
    none.fragment_memory = 0;
    net::Defragmenter fragments(none), bounded(limits);
    Plain plain;
    std::int64_t time = 1000;
    std::uint64_t given = 0;
    while (!in.empty() && given < 400) {
        const Sent s = read(in, time);
        ++given;
        const std::optional<Packet> got = give(fragments, s);
        const std::optional<Whole> expected = plain.add(s);
        ENSURE(got.has_value() == expected.has_value());
        if (got) {
            ENSURE(Buffer(got->data.begin(), got->data.end()) == expected->bytes);
            ENSURE((got->checksum == Checksum::validate) == expected->checked);
            net::Segment segment;
            Fragment f;
            ENSURE(net::decode(*got, segment, &f) != Decoded::fragment);
        }
        const net::FragmentStats& stats = fragments.stats();
        ENSURE(stats.reassembled == plain.reassembled && stats.repeated == plain.repeated);
        ENSURE(stats.expired == plain.expired && stats.overlapping == plain.overlapping);
        ENSURE(stats.invalid == plain.invalid && stats.cut == plain.cut && stats.held == plain.held());
        check_sum(stats, given);
        give(bounded, s);
        check_sum(bounded.stats(), given);
        ENSURE(bounded.stats().memory <= limits.fragment_memory);
    }
    fragments.finish();
    plain.finish();
    ENSURE(fragments.stats().expired == plain.expired && fragments.stats().held == 0);
    check_sum(fragments.stats(), given);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
