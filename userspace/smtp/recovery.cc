// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/recovery.h"

#include <algorithm>
#include <utility>

#include "smtp/guess.h"

namespace smtpscope::smtp {

namespace {

constexpr std::size_t max_lines = 128;         // no client pipelines more than it can have answered at once
constexpr std::uint64_t shortest_change = 20;  // bytes of "RSET" and "MAIL FROM:<>": fewer cannot begin a transaction
constexpr std::size_t max_line_length = 1024;  // bytes; RFC 5321, 4.5.3.1.4 allows 512

}  // namespace

bool Recovery::may_go_over_to_tls(bool client) const {
    return is_under_way() && (loss_->ready_for_tls || !client);
}

// ---- the client's stream

void Recovery::client_gap() {
    if (!loss_) loss_ = std::make_unique<Loss>();
    if (!loss_->lines_unknown) {
        loss_->replies = 0;
        loss_->replies_lost = reply_lost_;
    }
    loss_->lines.clear();
}

void Recovery::begin(std::uint64_t length, bool in_chunk) {
    if (!in_chunk) loss_->octets += length;
    loss_->unclassified = (loss_->lines_unknown && loss_->unclassified) || length == 0 || length >= shortest_change;
    loss_->lines_unknown = true;
}

void Recovery::begin_behind_message() {
    loss_->lines.clear();
    loss_->unclassified = loss_->lines_unknown = true;
}

bool Recovery::may_be_command(const Line& line) {
    return line.whole() && line.text.size() <= max_line_length && is_plain_command(line.text);
}

void Recovery::note_line(const Line& line) {
    const bool command = may_be_command(line);
    if (!command || loss_->lines.size() == max_lines) loss_->lines.clear();
    if (command) loss_->lines.emplace_back(line.text);
    loss_->unclassified |= !command;
    if (!command && loss_->lines_unknown) loss_->octets += line.text.size() + (line.ends ? 2 : 0);
}

void Recovery::note_octets(std::string_view octets) {
    if (octets.empty()) return;
    loss_->lines.clear();
    loss_->octets += octets.size();
    loss_->unclassified = true;
}

// ---- the server's stream

void Recovery::server_gap() {
    reply_lost_ = true;
    if (!loss_) return;
    loss_->replies_lost = true;
    loss_->ready_for_tls = loss_->lines_unknown;
}

void Recovery::note_unexplained_reply() {
    if (loss_) ++loss_->replies;
}

void Recovery::note_doubtful_reply(Verb verb, std::uint16_t code) {
    if (loss_) loss_->ready_for_tls = code == 220 && loss_->lines_unknown && verb == Verb::unknown;
}

// ---- the way back

void Recovery::end() {
    loss_->lines_unknown = false;
}

bool Recovery::end_before(Verb next, std::uint16_t code, bool in_bdat, const Envelope& envelope) {
    end();
    // If no reply came before this one, it may answer a lost command, except a 354. A chunk usually comes after another
    // one.
    const bool waited = loss_->replies > 0 || (code == 354 && next == Verb::data) || next == Verb::bdat;
    const bool stood =
        !loss_->unclassified || (in_bdat && next == Verb::bdat) || (waited && stands(next, loss_->replies, envelope));
    if (!in_bdat && !(stood && next == Verb::bdat)) loss_->octets = 0;  // of commands, not of chunks
    return stood;
}

bool Recovery::end_before_lost_data(const Envelope& envelope) {
    loss_->octets = 0;
    return !loss_->unclassified || stands(Verb::data, loss_->replies - 1, envelope);
}

bool Recovery::stands(Verb next, std::uint32_t replies, const Envelope& envelope) const {
    return !loss_->replies_lost && envelope.stands_before(next, replies);
}

Verb Recovery::first_command() const {
    return loss_->lines.empty() ? Verb::unknown : parse_command(loss_->lines.front()).verb;
}

Recovery::Lines Recovery::take_lines() {
    return std::exchange(loss_->lines, {});
}

void Recovery::forget_lines() {
    if (loss_) loss_->lines.clear();
}

std::optional<std::uint64_t> Recovery::take_lost_chunks() {
    if (!loss_ || loss_->octets == 0) return std::nullopt;
    const std::uint64_t lost = std::exchange(loss_->octets, 0);
    const std::uint64_t chunks = std::max<std::uint64_t>(1, loss_->replies);
    const std::uint64_t commands =
        chunks * (std::string_view("BDAT \r\n").size() + std::to_string(lost / chunks).size());
    return lost - std::min(lost, commands);
}

}  // namespace smtpscope::smtp
