// SPDX-License-Identifier: BSD-3-Clause
// Scripted mail sessions: as turns for the SMTP analyzer, as TCP segments for the rooms below it, and as records.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/decode.h"
#include "smtpscope/engine.h"
#include "smtpscope/side.h"
#include "support_frames.h"

namespace smtpscope::test {

/// What one end sends at a time.
struct Turn {
    Side from = Side::orig;
    std::string text;
    std::uint64_t lost = 0;  ///< instead of the text: bytes that were sent and not captured
    std::size_t ahead = 0;   ///< how many of the other end's turns before it had not arrived
};
using Script = std::vector<Turn>;

/// Lines of the client and of the server, as RFC 5321 writes its examples; the last CRLF is added.
Turn C(const std::string& lines);
Turn S(const std::string& lines);
/// Bytes as they are.
Turn raw(Side from, std::string bytes);
Turn lost(Side from, std::uint64_t bytes);
/// The turn, sent before the last `turns` of the other end arrived.
Turn ahead(Turn turn, std::size_t turns = 1);

Script operator+(Script a, const Script& b);

/// The greeting and EHLO of a client that calls itself `c`.
Script hello();
/// A mail that is accepted, from `a@<name>` to `b@<name>` with the name as its subject.
Script mail(const std::string& name);

/// A TCP segment that owns its payload.
struct Sent {
    Side from = Side::orig;
    std::uint32_t seq = 0;
    std::uint32_t ack_seq = 0;
    std::uint8_t flags = ack;
    std::string payload;
    std::int64_t at = 0;    ///< microseconds after the first packet
    std::uint32_t cut = 0;  ///< bytes of payload that the capture left out
    Sender sender{};
};

struct Wire {
    std::uint32_t orig_isn = 1000, resp_isn = 2000000000;
    bool handshake = true, end = true;
    /// How many of the bytes that are left go into the next segment; a full Ethernet frame by default.
    std::function<std::size_t(std::size_t left)> cut;
};

constexpr std::size_t handshake_segments = 3;

/// The script on the wire, one microsecond between two segments.
std::vector<Sent> segments(const Script& script, const Wire& wire = {});

/// 198.51.100.7:40000 to 203.0.113.25:25.
ConnId mail_id();
Timestamp at(std::int64_t microseconds);
net::Segment segment(const Sent& s, const ConnId& id = mail_id());

/// Everything that an engine says.
struct Recorder final : RecordSink, FlowControl {
    void smtp(const Info& rec) override { records.push_back(rec); }
    void weird(const Weird& rec) override { weirds.push_back(rec); }
    void file(const FileInfo& rec) override { files.push_back(rec); }
    void ssl(const SslInfo& rec) override { handshakes.push_back(rec); }
    void notice(const Notice& rec) override { notices.push_back(rec); }
    void software(const Software& rec) override { clients.push_back(rec); }
    void ignore(const ConnId& id, Disposition why) override { ignored.emplace_back(id, why); }
    void skip_content(const ConnId&, Side sender) override { skipped.push_back(sender); }
    void forget(const ConnId& id) override { forgotten.push_back(id); }

    std::vector<std::string> texts() const;  ///< of the records
    std::vector<std::string> odd() const;    ///< `name: addl` of the weirds

    std::vector<Info> records;
    std::vector<Weird> weirds;
    std::vector<FileInfo> files;
    std::vector<SslInfo> handshakes;
    std::vector<Notice> notices;
    std::vector<Software> clients;
    std::vector<std::pair<ConnId, Disposition>> ignored;
    std::vector<Side> skipped;
    std::vector<ConnId> forgotten;
};

/// Every field that is set, except ts, uid and id. The path only where it has more than the two ends.
std::string to_text(const Info& rec);

/// As an IP packet.
Buffer ip_packet(const Sent& s, const ConnId& id = mail_id());
void send(Engine& engine, const Sent& s, const ConnId& id = mail_id());
/// The script through an engine of its own, to the end.
Recorder play(const Script& script, const EngineOptions& options = {}, Hooks hooks = {});
Recorder play(const std::vector<Sent>& sent, const EngineOptions& options = {}, Hooks hooks = {});

}  // namespace smtpscope::test
