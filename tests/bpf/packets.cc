// SPDX-License-Identifier: BSD-3-Clause
#include "packets.h"

#include <algorithm>

namespace smtpscope::test {
namespace {

constexpr std::uint8_t ah = 51, fragment_header = 44;

void put16(Frame& f, std::size_t value) {
    f.push_back(static_cast<std::uint8_t>(value >> 8));
    f.push_back(static_cast<std::uint8_t>(value));
}

void put32(Frame& f, std::size_t value) {
    put16(f, value >> 16);
    put16(f, value & 0xffff);
}

std::size_t size_of(const Extension& e) {
    if (e.type == fragment_header) return 8;
    return e.type == ah ? (e.length + 2u) * 4 : (e.length + 1u) * 8;
}

std::size_t extensions_size(const Spec& s) {
    std::size_t size = 0;
    for (const Extension& e : s.extensions) size += size_of(e);
    return size;
}

std::size_t network_size(const Spec& s) {
    return s.version == 4 ? 20 + s.ip_options : 40 + extensions_size(s);
}

void put_link(Frame& f, const Spec& s) {
    const std::size_t protocol = s.ethertype.value_or(s.version == 4 ? 0x0800 : 0x86dd);
    f.insert(f.end(), {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1});
    for (const std::uint16_t tag : s.vlan) {
        put16(f, tag);
        put16(f, 7);
    }
    put16(f, protocol);
}

void put_ipv4(Frame& f, const Spec& s) {
    f.push_back(static_cast<std::uint8_t>(0x40 | s.ihl.value_or(static_cast<std::uint8_t>(5 + s.ip_options / 4))));
    f.push_back(0);
    put16(f, s.total_length.value_or(static_cast<std::uint16_t>(packet_size(s))));
    put16(f, 1);
    put16(f, s.fragment);
    f.push_back(64);
    f.push_back(s.protocol);
    put16(f, 0);
    put32(f, s.reply ? 0xc0000202 : 0xc0000201);
    put32(f, s.reply ? 0xc0000201 : 0xc0000202);
    f.insert(f.end(), s.ip_options, 1);
}

void put_ipv6_address(Frame& f, std::uint8_t last) {
    f.insert(f.end(), {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}

void put_ipv6(Frame& f, const Spec& s) {
    put32(f, 0x60000000);
    put16(f, s.total_length.value_or(static_cast<std::uint16_t>(packet_size(s) - 40)));
    f.push_back(s.extensions.empty() ? s.protocol : s.extensions.front().type);
    f.push_back(64);
    put_ipv6_address(f, s.reply ? 2 : 1);
    put_ipv6_address(f, s.reply ? 1 : 2);
    for (std::size_t i = 0; i < s.extensions.size(); ++i) {
        const Extension& e = s.extensions[i];
        const std::size_t begin = f.size();
        f.push_back(i + 1 < s.extensions.size() ? s.extensions[i + 1].type : s.protocol);
        f.push_back(e.length);
        put16(f, e.type == fragment_header ? e.fragment : 0);
        f.resize(begin + size_of(e));
    }
}

void put_tcp(Frame& f, const Spec& s) {
    const std::size_t words = s.data_offset.value_or(static_cast<std::uint8_t>(5 + s.tcp_options / 4));
    put16(f, s.reply ? s.destination : s.source);
    put16(f, s.reply ? s.source : s.destination);
    put32(f, 1000);
    put32(f, 2000);
    f.push_back(static_cast<std::uint8_t>(words << 4));
    f.push_back(s.flags);
    put16(f, 512);
    put32(f, 0);
    f.insert(f.end(), s.tcp_options, 1);
}

}  // namespace

std::size_t link_size(const Spec& s) {
    return 14 + 4 * s.vlan.size();
}
std::size_t header_size(const Spec& s) {
    return network_size(s) + 20 + s.tcp_options;
}
std::size_t packet_size(const Spec& s) {
    return header_size(s) + s.payload;
}

Frame build(const Spec& s) {
    Frame f;
    put_link(f, s);
    if (s.version == 4)
        put_ipv4(f, s);
    else
        put_ipv6(f, s);
    put_tcp(f, s);
    for (std::size_t i = 0; i < s.payload; ++i) f.push_back(static_cast<std::uint8_t>('a' + i % 23));
    f.insert(f.end(), s.padding, 0xee);
    f.resize(f.size() - std::min(s.cut, f.size()));
    return f;
}

smtpscope_ends ends_of(const Spec& spec) {
    smtpscope_ends ends{};
    const Frame frame = build(spec);
    const std::uint8_t* ip = frame.data() + link_size(spec);
    for (std::size_t end = 0; end < 2; ++end) {
        auto* address = reinterpret_cast<std::uint8_t*>(ends.address[end]);
        if (spec.version == 6) {
            std::copy_n(ip + 8 + 16 * end, 16, address);
        } else {
            std::fill_n(address + 10, 2, std::uint8_t{0xff});
            std::copy_n(ip + 12 + 4 * end, 4, address + 12);
        }
        const std::size_t tcp = header_size(spec) - 20 - spec.tcp_options;
        std::copy_n(ip + tcp + 2 * end, 2, reinterpret_cast<std::uint8_t*>(&ends.port[end]));
    }
    return ends;
}

}  // namespace smtpscope::test
