// SPDX-License-Identifier: BSD-3-Clause
#include "support_frames.h"

#include "smtpscope/address.h"

namespace smtpscope::test {

namespace {

void put16(Buffer& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Buffer& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}
void set16(Buffer& out, std::size_t at, std::size_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}

Buffer address(const PacketSpec& spec, bool source) {
    std::string text = source ? spec.src : spec.dst;
    if (text.empty()) text = spec.v6 ? (source ? "2001:db8::1" : "2001:db8::2") : (source ? "192.0.2.1" : "192.0.2.2");
    const auto bytes = Address::parse(text)->bytes();
    return {bytes.begin() + (spec.v6 ? 0 : 12), bytes.end()};
}

Buffer tcp(const PacketSpec& spec) {
    Buffer out;
    put16(out, spec.sport);
    put16(out, spec.dport);
    put32(out, spec.seq);
    put32(out, spec.ack_seq);
    const std::size_t words = spec.data_offset.value_or(static_cast<std::uint8_t>(5 + spec.tcp_options / 4));
    out.push_back(static_cast<std::uint8_t>(words << 4));
    out.push_back(spec.flags);
    put16(out, 65535);
    put32(out, 0);                                  // checksum, urgent pointer
    out.insert(out.end(), spec.tcp_options, 0x01);  // NOP
    out.insert(out.end(), spec.payload.begin(), spec.payload.end());

    Buffer summed = address(spec, true);
    const Buffer dst = address(spec, false);
    summed.insert(summed.end(), dst.begin(), dst.end());
    put16(summed, 6);
    put32(summed, static_cast<std::uint32_t>(out.size()));
    summed.insert(summed.end(), out.begin(), out.end());
    set16(out, 16, naive_sum(summed) ^ (spec.break_tcp_checksum ? 0xfffe : 0xffff));
    return out;
}

Buffer ipv4(const PacketSpec& spec, const Buffer& payload) {
    Buffer out;
    const std::size_t header = 20 + spec.ip_options;
    out.push_back(static_cast<std::uint8_t>(0x40 | spec.ihl.value_or(static_cast<std::uint8_t>(header / 4))));
    out.push_back(0);
    put16(out, spec.total_length.value_or(static_cast<std::uint16_t>(header + payload.size())));
    put16(out, 0x1234);
    put16(out, spec.fragment);
    out.push_back(64);
    out.push_back(spec.protocol);
    put16(out, 0);
    for (const bool source : {true, false}) {
        const Buffer a = address(spec, source);
        out.insert(out.end(), a.begin(), a.end());
    }
    out.insert(out.end(), spec.ip_options, 0x01);
    set16(out, 10, naive_sum(out) ^ (spec.break_ip_checksum ? 0xfffe : 0xffff));
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

Buffer ipv6(const PacketSpec& spec, const Buffer& payload) {
    Buffer chain;
    for (std::size_t i = 0; i < spec.extensions.size(); ++i) {
        const Extension& e = spec.extensions[i];
        const std::size_t begin = chain.size();
        chain.insert(chain.end(), e.bytes, 0);
        chain[begin] = i + 1 < spec.extensions.size() ? spec.extensions[i + 1].number : spec.protocol;
        if (e.number == 44) set16(chain, begin + 2, e.fragment);
        // The authentication header counts 4-byte units less 2, the fragment header has no length.
        if (e.number != 44)
            chain[begin + 1] = static_cast<std::uint8_t>(e.number == 51 ? e.bytes / 4 - 2 : e.bytes / 8 - 1);
    }
    Buffer out{0x60, 0, 0, 0};
    put16(out, spec.total_length.value_or(static_cast<std::uint16_t>(chain.size() + payload.size())));
    out.push_back(spec.extensions.empty() ? spec.protocol : spec.extensions[0].number);
    out.push_back(64);
    for (const bool source : {true, false}) {
        const Buffer a = address(spec, source);
        out.insert(out.end(), a.begin(), a.end());
    }
    out.insert(out.end(), chain.begin(), chain.end());
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
}

Buffer ipv4_fragment(const Buffer& ip, const Piece& piece) {
    const std::size_t header = std::size_t{ip[0]} % 16 * 4;
    Buffer out(ip.begin(), ip.begin() + static_cast<std::ptrdiff_t>(header));
    out[1] = piece.ecn;
    set16(out, 2, header + piece.end - piece.begin);
    set16(out, 4, piece.id & 0xffff);
    set16(out, 6, piece.begin / 8 | (piece.more ? 0x2000U : 0U));
    set16(out, 10, 0);
    set16(out, 10, naive_sum(out) ^ 0xffffU);
    for (std::size_t i = header + piece.begin; i < header + piece.end; ++i) out.push_back(i < ip.size() ? ip[i] : 0);
    return out;
}

Buffer ipv6_fragment(const Buffer& ip, const Piece& piece, std::size_t headers) {
    Buffer out(ip.begin(), ip.begin() + static_cast<std::ptrdiff_t>(headers));
    out[1] = static_cast<std::uint8_t>(piece.ecn << 4);
    set16(out, 4, headers - 40 + 8 + piece.end - piece.begin);
    const std::size_t next = headers == 40 ? 6 : 40;  // one header before it at most
    out.push_back(out[next]);
    out[next] = 44;
    out.push_back(0);
    put16(out, piece.begin | (piece.more ? 1U : 0U));
    put32(out, piece.id);
    for (std::size_t i = headers + piece.begin; i < headers + piece.end; ++i) out.push_back(i < ip.size() ? ip[i] : 0);
    return out;
}

/// The rest of a link header that ends with an EtherType, tags, and the packet.
Buffer with_ethertype(Buffer out, const Buffer& ip, const std::vector<std::uint16_t>& tags) {
    for (const std::uint16_t tag : tags) {
        put16(out, tag);
        put16(out, 42);
    }
    put16(out, !ip.empty() && ip[0] >> 4 == 6 ? 0x86dd : 0x0800);
    out.insert(out.end(), ip.begin(), ip.end());
    return out;
}

}  // namespace

Buffer ip_packet(const PacketSpec& spec) {
    return spec.v6 ? ipv6(spec, tcp(spec)) : ipv4(spec, tcp(spec));
}

std::size_t headers_size(const PacketSpec& spec) {
    std::size_t size = (spec.v6 ? 40 : 20 + spec.ip_options) + 20 + spec.tcp_options;
    for (const Extension& e : spec.extensions) size += e.bytes;
    return size;
}

Buffer fragment(const Buffer& ip, const Piece& piece, std::size_t headers) {
    return ip[0] >> 4 == 4 ? ipv4_fragment(ip, piece) : ipv6_fragment(ip, piece, headers);
}

Buffer ethernet(const Buffer& ip, const std::vector<std::uint16_t>& tags) {
    return with_ethertype(Buffer(12, 0x02), ip, tags);
}

Buffer linux_sll(const Buffer& ip, const std::vector<std::uint16_t>& tags) {
    return with_ethertype(Buffer(14, 0), ip, tags);
}

Buffer linux_sll2(const Buffer& ip, const std::vector<std::uint16_t>& tags) {
    // The protocol comes first, the rest of the header after it; tags follow the header.
    Buffer tagged = with_ethertype({}, ip, tags);
    Buffer out{tagged[0], tagged[1]};
    out.insert(out.end(), 18, 0);
    out.insert(out.end(), tagged.begin() + 2, tagged.end());
    return out;
}

Buffer null_loop(const Buffer& ip) {
    Buffer out{2, 0, 0, 0};
    out.insert(out.end(), ip.begin(), ip.end());
    return out;
}

Packet packet(const Buffer& frame, LinkType link) {
    Packet p;
    p.ts = from_nanoseconds(1'700'000'000'000'000'000);
    p.link = link;
    p.wire_length = static_cast<std::uint32_t>(frame.size());
    p.data = frame;
    return p;
}

std::uint16_t naive_sum(const Buffer& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(sum);
}

}  // namespace smtpscope::test
