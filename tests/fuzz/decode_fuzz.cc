// SPDX-License-Identifier: BSD-3-Clause
// The packet decoder: every link type, packets in pieces, truncated captures.
#include <cstring>
#include <vector>

#include "fuzz.h"
#include "net/decode.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using net::Decoded;
using net::Segment;

/// Bytes in a block of exactly their size, so that a read beyond it is seen.
std::vector<std::uint8_t> copied(std::string_view text) {
    return {text.begin(), text.end()};
}

bool lies_within(std::string_view part, Bytes whole) {
    if (part.empty()) return true;
    const auto* begin = reinterpret_cast<const char*>(whole.data());
    return part.data() >= begin && part.data() + part.size() <= begin + whole.size();
}

bool same_headers(const Segment& a, const Segment& b) {
    return a.src == b.src && a.dst == b.dst && a.sport == b.sport && a.dport == b.dport && a.seq == b.seq &&
           a.ack_seq == b.ack_seq && a.flags == b.flags;
}

/// A truncated packet may lose payload; nothing else in the result changes.
void check_cut(const Packet& whole, const Segment& all, std::size_t length) {
    const std::vector<std::uint8_t> data(whole.data.begin(), whole.data.begin() + static_cast<std::ptrdiff_t>(length));
    Packet p = whole;
    p.wire_length = std::max(p.wire_length, static_cast<std::uint32_t>(whole.data.size()));
    p.data = data;
    Segment s;
    const Decoded d = net::decode(p, s);
    if (d == Decoded::malformed) return;
    ENSURE(d == Decoded::segment);
    ENSURE(same_headers(s, all) && s.wire_payload == all.wire_payload && s.payload.size() <= all.payload.size());
    ENSURE(s.payload.empty() || std::memcmp(s.payload.data(), all.payload.data(), s.payload.size()) == 0);
}

void run(Input in) {
    Packet p;
    p.link = static_cast<LinkType>(in.below(5));
    const std::uint8_t kind = in.byte();
    p.checksum = (kind & 1) != 0 ? Checksum::validate : Checksum::ignore;
    p.more_pieces = (kind & 2) != 0;
    const bool later_piece = (kind & 4) != 0;
    const std::uint16_t cut_off = in.u16();
    std::vector<std::uint8_t> headers;
    if (later_piece) {
        p.offset = in.u32();
        headers = copied(in.text(in.byte()));
        p.headers = headers;
    }
    const std::vector<std::uint8_t> data = copied(in.rest());
    p.data = data;
    p.wire_length = static_cast<std::uint32_t>(data.size()) + ((kind & 8) != 0 ? cut_off : 0);

    Segment s;
    const Decoded d = net::decode(p, s);
    if (d != Decoded::segment) return;
    ENSURE(lies_within(s.payload, p.data) || lies_within(s.payload, p.headers));
    ENSURE(s.wire_payload >= s.payload.size());
    Packet unchecked = p;
    unchecked.checksum = Checksum::ignore;
    Segment t;
    ENSURE(net::decode(unchecked, t) == Decoded::segment && same_headers(s, t) && s.payload.data() == t.payload.data());
    if (!later_piece && !p.more_pieces && !data.empty()) check_cut(unchecked, s, cut_off % data.size());
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
