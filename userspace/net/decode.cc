// SPDX-License-Identifier: BSD-3-Clause
#include "net/decode.h"

#include <algorithm>

#include "net/checksum.h"
#include "net/extensions.h"

namespace smtpscope::net {

namespace {

constexpr std::uint16_t ethertype_ipv4 = 0x0800, ethertype_ipv6 = 0x86dd;
constexpr std::uint16_t ethertype_vlan = 0x8100, ethertype_qinq = 0x88a8, ethertype_qinq_old = 0x9100;
constexpr int max_extension_headers = 16;
constexpr std::size_t tcp_min_header = 20;

std::uint16_t be16(const std::uint8_t* p) {
    return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
std::uint32_t be32(const std::uint8_t* p) {
    return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

/// What is left to parse, and how long it was before the capture cut it.
struct Cursor {
    Bytes data;
    std::uint32_t wire;

    bool has(std::size_t n) const { return data.size() >= n; }
    const std::uint8_t* at(std::size_t i) const { return data.data() + i; }
    void skip(std::size_t n) {
        data = data.subspan(n);
        wire = wire > n ? wire - static_cast<std::uint32_t>(n) : 0;
    }
    /// Cuts off what follows the first `n` bytes: padding, trailers.
    void limit(std::size_t n) {
        if (data.size() > n) data = data.first(n);
        wire = static_cast<std::uint32_t>(n);
    }
};

Decoded skip_ethertype(Cursor& c, std::uint16_t ethertype) {
    while (ethertype == ethertype_vlan || ethertype == ethertype_qinq || ethertype == ethertype_qinq_old) {
        if (!c.has(4)) return Decoded::malformed;
        ethertype = be16(c.at(2));
        c.skip(4);
    }
    return ethertype == ethertype_ipv4 || ethertype == ethertype_ipv6 ? Decoded::segment : Decoded::not_tcp;
}

/// Moves the cursor to the IP header; Decoded::segment means: go on.
Decoded skip_link(Cursor& c, LinkType link) {
    struct Layout {
        std::size_t length, ethertype;
    };
    Layout layout{};
    switch (link) {
        case LinkType::raw_ip:
            return Decoded::segment;
        case LinkType::null_loop:
            if (!c.has(4)) return Decoded::malformed;
            c.skip(4);  // the family's number differs between systems; the IP version says the same
            return Decoded::segment;
        case LinkType::ethernet:
            layout = {14, 12};
            break;
        case LinkType::linux_sll:
            layout = {16, 14};
            break;
        case LinkType::linux_sll2:
            layout = {20, 0};
            break;
    }
    if (!c.has(layout.length)) return Decoded::malformed;
    const std::uint16_t ethertype = be16(c.at(layout.ethertype));
    c.skip(layout.length);
    return skip_ethertype(c, ethertype);
}

/// The part of the TCP checksum that covers the addresses, the protocol and the length (RFC 9293, 3.1).
std::uint64_t pseudo_header_sum(Bytes addresses, std::size_t tcp_length) {
    const std::uint8_t rest[4] = {0, protocol_tcp, static_cast<std::uint8_t>(tcp_length >> 8),
                                  static_cast<std::uint8_t>(tcp_length)};
    return partial_sum(addresses) + partial_sum(rest) + (tcp_length >> 16);
}

struct IpHeader {
    Bytes addresses;     ///< source and destination, as on the wire
    Fragment* fragment;  ///< to be filled in, if it is not nullptr
};

/// The cursor stands at the fragment's IP header, limited to its packet.
Decoded ipv4_fragment(const Cursor& c, std::size_t header, const Segment& out, Fragment* f) {
    if (!f) return Decoded::fragment;
    const std::uint16_t place = be16(c.at(6));
    f->v6 = false;
    f->src = out.src;
    f->dst = out.dst;
    f->id = be16(c.at(4));
    f->offset = std::uint32_t{place & 0x1fffU} * 8;
    f->more = (place & 0x2000) != 0;
    f->ecn = *c.at(1) & 3;
    f->headers = c.data.first(header);
    f->data = c.data.subspan(header);
    f->wire_data = c.wire - static_cast<std::uint32_t>(header);
    return Decoded::fragment;
}

/// The cursor is at the Fragment header; `next` points to that header's number, in the `packet` that begins with IPv6.
Decoded ipv6_fragment(const Cursor& c, const std::uint8_t* next, Bytes packet, const Segment& out, Fragment* f) {
    if (!f) return Decoded::fragment;
    const std::uint16_t place = be16(c.at(2));
    f->v6 = true;
    f->src = out.src;
    f->dst = out.dst;
    f->id = be32(c.at(4));
    f->offset = place & 0xfff8U;
    f->more = (place & 1) != 0;
    f->ecn = packet[1] >> 4 & 3;
    f->headers = packet.first(static_cast<std::size_t>(c.data.data() - packet.data()));
    f->next = *c.at(0);
    f->next_at = static_cast<std::size_t>(next - packet.data());
    f->data = c.data.subspan(fragment_header_size);
    f->wire_data = c.wire - static_cast<std::uint32_t>(fragment_header_size);
    return Decoded::fragment;
}

Decoded parse_ipv4(Cursor& c, Checksum checksum, Segment& out, IpHeader& ip) {
    if (!c.has(20)) return Decoded::malformed;
    const std::size_t header = std::size_t{*c.at(0)} % 16 * 4;
    std::size_t total = be16(c.at(2));
    const bool fragment = (be16(c.at(6)) & 0x3fff) != 0;
    if (total == 0 && !fragment) total = c.wire;  // segmentation offload: the packet is longer than the field can hold
    if (header < 20 || total < header || !c.has(header)) return Decoded::malformed;
    if (checksum == Checksum::validate && fold(partial_sum(c.data.first(header))) != 0xffff)
        return Decoded::bad_checksum;
    if (*c.at(9) != protocol_tcp) return Decoded::not_tcp;
    out.src = Address::from_v4(c.at(12));
    out.dst = Address::from_v4(c.at(16));
    ip.addresses = c.data.subspan(12, 8);
    if (total > c.wire) return Decoded::malformed;
    c.limit(total);
    if (fragment) return ipv4_fragment(c, header, out, ip.fragment);
    c.skip(header);
    return Decoded::segment;
}

/// Decoded::segment: the cursor is behind the header that it was at, and `next` points to the number of what follows.
Decoded skip_extension_header(Cursor& c, const std::uint8_t*& next) {
    if (!c.has(8)) return Decoded::malformed;
    const std::size_t size = *next == fragment_header ? fragment_header_size : extension_header_size(*next, *c.at(1));
    next = c.at(0);
    if (!c.has(size)) return Decoded::malformed;
    c.skip(size);
    return Decoded::segment;
}

/// The cursor is behind the IPv6 header with which `packet` begins, and `next` points to the number of what follows.
Decoded skip_extension_headers(Cursor& c, const std::uint8_t* next, Bytes packet, const Segment& out,
                               const IpHeader& ip) {
    bool fragmented = false;
    for (int i = 0; i < max_extension_headers; ++i) {
        if (*next == protocol_tcp) return Decoded::segment;
        if (*next == fragment_header) {
            // At most one is allowed, and a packet that does not say its length has none.
            if (fragmented || be16(packet.data() + 4) == 0 || !c.has(fragment_header_size)) return Decoded::malformed;
            // Neither offset nor "more": an atomic fragment, which is a whole packet (RFC 6946).
            if ((be16(c.at(2)) & 0xfff9) != 0) return ipv6_fragment(c, next, packet, out, ip.fragment);
            fragmented = true;
        } else if (!is_extension_header(*next)) {
            return Decoded::not_tcp;
        }
        if (const Decoded d = skip_extension_header(c, next); d != Decoded::segment) return d;
    }
    return Decoded::malformed;
}

Decoded parse_ipv6(Cursor& c, Segment& out, IpHeader& ip) {
    if (!c.has(40)) return Decoded::malformed;
    std::size_t payload = be16(c.at(4));
    if (payload == 0) payload = c.wire - 40;  // a jumbogram (RFC 2675) or segmentation offload
    if (payload + 40 > c.wire) return Decoded::malformed;
    out.src = Address::from_v6(c.at(8));
    out.dst = Address::from_v6(c.at(24));
    ip.addresses = c.data.subspan(8, 32);
    c.limit(payload + 40);
    const Bytes packet = c.data;
    c.skip(40);
    return skip_extension_headers(c, packet.data() + 6, packet, out, ip);
}

Decoded parse_ip(Cursor& c, Checksum checksum, Segment& out, IpHeader& ip) {
    if (!c.has(1)) return Decoded::malformed;
    switch (*c.at(0) >> 4) {
        case 4:
            return parse_ipv4(c, checksum, out, ip);
        case 6:
            return parse_ipv6(c, out, ip);
        default:
            return Decoded::not_tcp;
    }
}

Decoded parse_tcp(Cursor& c, Checksum checksum, Bytes addresses, Segment& out) {
    if (!c.has(tcp_min_header)) return Decoded::malformed;
    const std::size_t header = std::size_t{*c.at(12)} / 16 * 4;
    if (header < tcp_min_header || header > c.wire || !c.has(header)) return Decoded::malformed;
    const bool whole = c.data.size() == c.wire;  // a packet that was cut cannot be checked
    if (checksum == Checksum::validate && whole &&
        fold(pseudo_header_sum(addresses, c.wire) + partial_sum(c.data)) != 0xffff)
        return Decoded::bad_checksum;
    out.sport = be16(c.at(0));
    out.dport = be16(c.at(2));
    out.seq = be32(c.at(4));
    out.ack_seq = be32(c.at(8));
    out.flags = *c.at(13);
    c.skip(header);
    out.payload = {reinterpret_cast<const char*>(c.data.data()), c.data.size()};
    out.wire_payload = c.wire;
    return Decoded::segment;
}

/// Turns the segment of a whole packet into that of one of its pieces.
void place_piece(const Packet& packet, Segment& out) {
    if (packet.offset != 0) {
        const auto headers = reinterpret_cast<const std::uint8_t*>(out.payload.data()) - packet.headers.data();
        out.seq += packet.offset - static_cast<std::uint32_t>(headers);
        out.payload = {reinterpret_cast<const char*>(packet.data.data()), packet.data.size()};
    }
    if (packet.more_pieces)
        out.flags &=
            static_cast<std::uint8_t>(~Segment::fin);  // the FIN comes after the last byte, so not with this piece
    out.wire_payload = static_cast<std::uint32_t>(out.payload.size());
}

}  // namespace

Decoded decode(const Packet& packet, Segment& out, Fragment* fragment) {
    const bool piece = packet.offset != 0 || packet.more_pieces;
    const Bytes data = packet.offset != 0 ? packet.headers : packet.data;
    Cursor c{data, std::max(packet.wire_length, static_cast<std::uint32_t>(data.size()))};
    // Pieces are never validated: their checksum covers the whole packet.
    const Checksum checksum = piece ? Checksum::ignore : packet.checksum;
    IpHeader ip{{}, fragment};
    out.ts = packet.ts;
    out.sender = packet.sender;
    if (const Decoded d = skip_link(c, packet.link); d != Decoded::segment) return d;
    if (const Decoded d = parse_ip(c, checksum, out, ip); d != Decoded::segment) return d;
    if (const Decoded d = parse_tcp(c, checksum, ip.addresses, out); d != Decoded::segment) return d;
    if (piece) place_piece(packet, out);
    return Decoded::segment;
}

}  // namespace smtpscope::net
