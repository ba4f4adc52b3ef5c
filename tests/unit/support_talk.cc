// SPDX-License-Identifier: BSD-3-Clause
#include "support_talk.h"

#include <algorithm>
#include <array>
#include <utility>

namespace smtpscope::test {

Turn raw(Side from, std::string bytes) {
    Turn t;
    t.from = from;
    t.text = std::move(bytes);
    return t;
}

namespace {

/// LF in a script stands for CRLF.
std::string with_crlf(const std::string& lines) {
    std::string out;
    for (const char c : lines + '\n') {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

}  // namespace

Turn C(const std::string& lines) {
    return raw(Side::orig, with_crlf(lines));
}

Turn S(const std::string& lines) {
    return raw(Side::resp, with_crlf(lines));
}

Turn lost(Side from, std::uint64_t bytes) {
    Turn t;
    t.from = from;
    t.lost = bytes;
    return t;
}

Turn ahead(Turn turn, std::size_t turns) {
    turn.ahead = turns;
    return turn;
}

Script operator+(Script a, const Script& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Script hello() {
    return {S("220 s ready"), C("EHLO c"), S("250 hello")};
}

Script mail(const std::string& name) {
    return {C("MAIL FROM:<a@" + name + ">"),
            S("250 sender ok"),
            C("RCPT TO:<b@" + name + ">"),
            S("250 recipient ok"),
            C("DATA"),
            S("354 go on"),
            C("Subject: " + name + "\n\nbody of " + name + "\n."),
            S("250 queued " + name)};
}

constexpr std::size_t full_segment = 1460;

std::vector<Sent> segments(const Script& script, const Wire& wire) {
    std::vector<Sent> out;
    std::array<std::uint32_t, 2> next{wire.orig_isn + 1, wire.resp_isn + 1};
    std::array<std::vector<std::uint32_t>, 2> history{{{next[0]}, {next[1]}}};  // of `next`, a turn each
    const auto add = [&](Side from, std::uint32_t seq, std::uint32_t ack_seq, std::uint8_t flags, std::string payload) {
        out.push_back({from, seq, ack_seq, flags, std::move(payload), static_cast<std::int64_t>(out.size()), 0});
    };
    if (wire.handshake) {
        add(Side::orig, wire.orig_isn, 0, syn, {});
        add(Side::resp, wire.resp_isn, next[0], syn | ack, {});
        add(Side::orig, next[0], next[1], ack, {});
    }
    for (const Turn& t : script) {
        std::uint32_t& seq = next[index(t.from)];
        const auto& others = history[index(opposite(t.from))];
        const std::uint32_t ack_seq = others[others.size() - 1 - std::min(t.ahead, others.size() - 1)];
        for (std::size_t begin = 0; begin < t.text.size();) {
            const std::size_t left = t.text.size() - begin;
            const std::size_t length = std::clamp<std::size_t>(wire.cut ? wire.cut(left) : full_segment, 1, left);
            add(t.from, seq, ack_seq, ack | psh, t.text.substr(begin, length));
            seq += static_cast<std::uint32_t>(length);
            begin += length;
        }
        seq += static_cast<std::uint32_t>(t.lost);
        history[index(t.from)].push_back(seq);
    }
    if (wire.end) {
        add(Side::orig, next[0], next[1], fin | ack, {});
        add(Side::resp, next[1], next[0] + 1, fin | ack, {});
        add(Side::orig, next[0] + 1, next[1] + 1, ack, {});
    }
    return out;
}

ConnId mail_id() {
    return {*Address::parse("198.51.100.7"), 40000, *Address::parse("203.0.113.25"), 25};
}

Timestamp at(std::int64_t microseconds) {
    return from_nanoseconds(1'700'000'000'000'000'000 + microseconds * 1000);
}

net::Segment segment(const Sent& s, const ConnId& id) {
    const bool from_orig = s.from == Side::orig;
    net::Segment out;
    out.ts = at(s.at);
    out.src = from_orig ? id.orig_h : id.resp_h;
    out.dst = from_orig ? id.resp_h : id.orig_h;
    out.sport = from_orig ? id.orig_p : id.resp_p;
    out.dport = from_orig ? id.resp_p : id.orig_p;
    out.seq = s.seq;
    out.ack_seq = s.ack_seq;
    out.flags = s.flags;
    out.payload = std::string_view(s.payload).substr(0, s.payload.size() - s.cut);
    out.wire_payload = static_cast<std::uint32_t>(s.payload.size());
    out.sender = s.sender;
    return out;
}

Buffer ip_packet(const Sent& s, const ConnId& id) {
    const net::Segment parts = segment(s, id);
    PacketSpec spec;
    spec.v6 = !parts.src.is_v4();
    spec.src = parts.src.to_string();
    spec.dst = parts.dst.to_string();
    spec.sport = parts.sport;
    spec.dport = parts.dport;
    spec.seq = s.seq;
    spec.ack_seq = s.ack_seq;
    spec.flags = s.flags;
    spec.payload = s.payload;
    return ip_packet(spec);
}

void send(Engine& engine, const Sent& s, const ConnId& id) {
    const Buffer frame = ip_packet(s, id);
    Packet p = packet(frame, LinkType::raw_ip);
    p.ts = at(s.at);
    p.sender = s.sender;
    p.data = p.data.first(frame.size() - s.cut);
    engine.packet(p);
}

Recorder play(const std::vector<Sent>& sent, const EngineOptions& options, Hooks hooks) {
    Recorder out;
    Engine engine(options, out, &out, std::move(hooks));
    for (const Sent& s : sent) send(engine, s);
    engine.finish();
    return out;
}

Recorder play(const Script& script, const EngineOptions& options, Hooks hooks) {
    return play(segments(script), options, std::move(hooks));
}

std::string to_text(const Info& rec) {
    std::string out = std::to_string(rec.trans_depth);
    const auto add = [&](const char* name, const std::string& value) { out += std::string(" ") + name + "=" + value; };
    const auto text = [&](const char* name, const std::optional<std::string>& value) {
        if (value) add(name, "[" + *value + "]");
    };
    const auto set = [&](const char* name, const std::optional<StringSet>& values) {
        if (!values) return;
        std::string all;
        for (const std::string& v : *values) all += (all.empty() ? "" : "|") + v;
        add(name, "[" + all + "]");
    };
    text("helo", rec.helo);
    text("mailfrom", rec.mailfrom);
    set("rcptto", rec.rcptto);
    text("date", rec.date);
    text("from", rec.from);
    set("to", rec.to);
    set("cc", rec.cc);
    text("reply_to", rec.reply_to);
    text("msg_id", rec.msg_id);
    text("in_reply_to", rec.in_reply_to);
    text("subject", rec.subject);
    if (rec.x_originating_ip) add("x_originating_ip", rec.x_originating_ip->to_string());
    text("first_received", rec.first_received);
    text("second_received", rec.second_received);
    text("last_reply", rec.last_reply);
    if (rec.path != std::vector<Address>{rec.id.resp_h, rec.id.orig_h}) {
        std::string all;
        for (const Address& a : rec.path) all += (all.empty() ? "" : ",") + a.to_string();
        add("path", all);
    }
    text("user_agent", rec.user_agent);
    if (rec.tls) out += " tls";
    if (rec.is_webmail) out += " is_webmail";
    return out;
}

std::vector<std::string> Recorder::texts() const {
    std::vector<std::string> out;
    for (const Info& rec : records) out.push_back(to_text(rec));
    return out;
}

std::vector<std::string> Recorder::odd() const {
    std::vector<std::string> out;
    for (const Weird& w : weirds) out.push_back(w.addl.empty() ? w.name : w.name + ": " + w.addl);
    return out;
}

}  // namespace smtpscope::test
