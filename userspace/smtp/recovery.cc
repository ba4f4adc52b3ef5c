// SPDX-License-Identifier: BSD-3-Clause
// The analyzer after a loss: what became of the bytes, and the way back.
#include <algorithm>
#include <utility>

#include "smtp/analyzer.h"
#include "smtp/guess.h"

namespace smtpscope::smtp {

namespace {

constexpr std::string_view smtp_source = "SMTP";
constexpr std::size_t max_trailing_lines = 128;    // no client pipelines more than it can have answered at once
constexpr std::uint64_t shortest_change = 20;      // bytes of "RSET" and "MAIL FROM:<>": less begins no transaction
constexpr std::size_t max_trailing_length = 1024;  // bytes; RFC 5321, 4.5.3.1.4 allows 512

}  // namespace

Disposition Analyzer::gap(Side side, std::uint64_t length) {
    if (!follows()) return disposition_;
    handler_->smtp_unexpected(side, "content gap", std::to_string(length));
    if (is_client(side))
        client_gap(length);
    else
        server_gap();
    return disposition_;
}

void Analyzer::client_gap(std::uint64_t length) {
    if (!loss_) loss_ = std::make_unique<Loss>();
    if (chunk_left_ > 0) {
        length = chunk_gap(length);
        if (length == 0) return;
    } else if (mode_ != Mode::data) {
        loss_->chunks += length;
    }
    const auto torn = reader(turned_ ? Side::resp : Side::orig).flush();
    client_gap_ = true;
    if (!recovering_) {
        unexplained_ = 0;
        loss_->replies = reply_lost_;
    }
    loss_->trailing.clear();
    if (mode_ == Mode::data) {
        gapped_ = true;
        // Its beginning is content, and shows that the line before was whole. Of a dot alone more may follow.
        dot_torn_ = torn && torn->text == ".";
        if (torn && !torn->text.empty() && !dot_torn_) content_line(*torn, false);
        loss_->content += length;
        if (data_accepted_ && reply_lost_) lose_end_of_data();
    } else {
        // The client went on: what it had not been answered before the server's bytes were lost, it was then.
        while (pending_head_ < pending_.size() && pending_[pending_head_].before_gap) lose_front();
        mode_ = Mode::command;
        unclassified_ = (recovering_ && unclassified_) || length == 0 || length >= shortest_change;
        recovering_ = true;
    }
    reader(turned_ ? Side::resp : Side::orig).drop();
}

/// Within a chunk, whose size tells where it ends: only its lines are torn. What is lost behind it.
std::uint64_t Analyzer::chunk_gap(std::uint64_t length) {
    const std::uint64_t lost = std::min(length, chunk_left_);
    handler_->smtp_weird("smtp_bdat_remaining_at_end_data", {}, smtp_source);
    if (bdat_.has_partial()) handler_->smtp_weird("smtp_bdat_undelivered_at_done", {}, "SMTP_BDAT");
    bdat_.finish(*handler_);
    gapped_ = true;
    // Behind it may be further chunks of the message.
    handler_->smtp_data_gap(chunk_last_ ? lost : length);
    sized_ &= chunk_last_ || lost == length;
    chunk_left_ -= lost;
    if (chunk_left_ == 0) finish_chunk();
    return length - lost;
}

/// Chunks that were lost with their commands, or whose octets passed for lines because the commands were.
void Analyzer::report_lost_chunks() {
    if (!loss_ || loss_->chunks == 0) return;
    const std::uint64_t lost = std::exchange(loss_->chunks, 0);
    const std::uint64_t chunks = std::max<std::uint64_t>(1, unexplained_);
    const std::uint64_t commands =
        chunks * (std::string_view("BDAT \r\n").size() + std::to_string(lost / chunks).size());
    bdat_.finish(*handler_);
    gapped_ = true;
    sized_ = false;
    if (lost > commands) handler_->smtp_data_gap(lost - commands);
}

void Analyzer::server_gap() {
    reader(turned_ ? Side::orig : Side::resp).drop();
    // Its end is lost; in LMTP its request goes on waiting as long as further recipients' replies are due.
    if (std::exchange(continuing_, false) && lmtp_due_ == 0)
        handler_->smtp_reply_lost(answered_.tag, answered_.verb, answered_.final);
    for (std::size_t i = pending_head_; i < pending_.size(); ++i) pending_[i].before_gap = true;
    data_reply_lost_ = pending_has(Verb::data);
    ready_for_tls_ = recovering_;
    server_gap_ = reply_lost_ = true;
    if (loss_) loss_->replies = true;
    if (mode_ == Mode::data && gapped_ && data_accepted_) lose_end_of_data();
}

/// Within a message a server does not speak: bytes of both were lost, so its end is among them. What the client sends
/// now is of nobody knows what.
void Analyzer::lose_end_of_data() {
    sized_ = false;
    end_of_data(false);
    if (!follows()) return;
    while (pending_head_ < pending_.size()) lose_front();
    loss_->trailing.clear();
    unclassified_ = recovering_ = true;
}

/// Remembers a client's line that may be a command: it is one if the server answers next.
void Analyzer::collect(const Line& line) {
    if (recovering_ && line.ends)
        if (const std::string_view command = chunk_command_at_end(line.text); !command.empty())
            return recover_chunk(line.text.substr(0, line.text.size() - command.size()), command);
    const bool plain = line.whole() && line.text.size() <= max_trailing_length && is_plain_command(line.text);
    if (plain && recovering_ && !server_seen_) {  // one side alone was captured: nobody will answer
        recovering_ = false;
        if (unclassified_) lose_commands();
        return command_line(line);
    }
    if (!plain || loss_->trailing.size() == max_trailing_lines) loss_->trailing.clear();
    if (plain) loss_->trailing.emplace_back(line.text);
    unclassified_ |= !plain;
    if (!plain && recovering_) loss_->chunks += line.text.size() + (line.ends ? 2 : 0);
}

/// The octets of a chunk follow its command at once, which stands where the chunk before it ends, be that within a
/// line.
void Analyzer::recover_chunk(std::string_view before, std::string_view command) {
    if (!before.empty()) {
        loss_->trailing.clear();
        loss_->chunks += before.size();
        unclassified_ = true;
    }
    if (server_seen_)
        leave_recovery(loss_->trailing.empty() ? Verb::bdat : parse_command(loss_->trailing.front()).verb, 0);
    recovering_ = false;
    if (follows()) command_line({command});
}

void Analyzer::replay() {
    const std::size_t first = pending_.size();
    for (const std::string& text : std::exchange(loss_->trailing, {})) {
        const Command c = parse_command(text);
        if (c.verb == Verb::bdat)  // its octets have gone by
            push({c.verb, c.arg, parse_bdat_argument(c.arg).last, {}});
        else
            command_line({text});
        if (!follows()) return;
    }
    for (std::size_t i = first; i < pending_.size(); ++i) pending_[i].behind_gap = true;
}

/// The server speaks, so no message is under way: the client's last lines were what it answers.
void Analyzer::recover(std::uint16_t code) {
    if (recovering_) return recover_commands(code);
    if (mode_ != Mode::data || !gapped_) return;
    // Content was sent, so the lost replies had let it go.
    if (code != 354 && data_begun_ && pending_head_ < pending_.size() && pending_.back().verb == Verb::data &&
        pending_.back().before_gap)
        while (pending_head_ < pending_.size()) lose_front();
    if (pending_head_ < pending_.size()) return;
    std::vector<std::string> commands = std::exchange(loss_->trailing, {});
    loss_->content -= std::min<std::uint64_t>(loss_->content, dot_torn_ ? 2 : 3);  // its end, `.` and CRLF
    sized_ &= commands.empty() && loss_->content == 0;
    end_of_data(false);
    if (commands.empty() || !follows()) return;
    // A client that has sent commands since either had the reply, which was lost as well, or did not wait for it.
    if (reply_lost_) lose_front();
    const Verb next = parse_command(commands.front()).verb;
    if (next == Verb::rcpt || next == Verb::data || next == Verb::bdat) lose_commands();  // at least its MAIL
    loss_->trailing = std::move(commands);
    replay();
}

void Analyzer::recover_commands(std::uint16_t code) {
    if (loss_->trailing.empty())
        recovering_ = code != 354;  // a lost DATA was answered
    else
        leave_recovery(parse_command(loss_->trailing.front()).verb, code);
}

/// The lines since the gap were commands, of which `next` is the first. `code`: of the reply that shows it; 0: none.
void Analyzer::leave_recovery(Verb next, std::uint16_t code) {
    recovering_ = false;
    const bool same_message = in_bdat_ && next == Verb::bdat;
    // Where no reply came before this one, it may be to a command that was lost; only 354 cannot.
    // A chunk is as a rule preceded by another.
    const bool waited = unexplained_ > 0 || (code == 354 && next == Verb::data) || next == Verb::bdat;
    const bool within = !unclassified_ || same_message || (waited && within_transaction(next, unexplained_));
    if (in_bdat_) report_lost_chunks();
    std::vector<std::string> commands = std::exchange(loss_->trailing, {});
    if (in_bdat_ && !within) {
        bdat_.finish(*handler_);
        end_message();
    }
    loss_->trailing = std::move(commands);
    if (!within || next != Verb::bdat) loss_->chunks = 0;  // commands, not chunks
    if (!within) lose_commands();
    replay();
}

/// The server lets a message come whose DATA was lost, and perhaps some of the message, or all of it.
void Analyzer::begin_lost_message() {
    if (unclassified_ && !within_transaction(Verb::data, unexplained_ - 1)) lose_commands();
    loss_->chunks = 0;
    handler_->smtp_data_command_lost();
    begin_message();
    gapped_ = true;
    sized_ = false;
    mode_ = Mode::data;
    data_accepted_ = true;
}

void Analyzer::begin_transaction() {
    reset_ = refused_ = false;
    accepted_ = 0;
}

void Analyzer::lose_commands() {
    begin_transaction();
    handler_->smtp_commands_lost();
}

/// Too few `replies` came to lost commands for a new transaction to have begun before `next`: that takes an RSET,
/// unless all recipients of the old one were refused, and MAIL, and RCPT before DATA.
bool Analyzer::within_transaction(Verb next, std::uint32_t replies) const {
    if (reset_ || (loss_ && loss_->replies) || (next != Verb::rcpt && next != Verb::data && next != Verb::bdat))
        return false;
    const std::uint32_t before_rcpt = refused_ && accepted_ == 0 ? 1 : 2;
    return replies < before_rcpt + (next == Verb::rcpt ? 0 : 1);
}

}  // namespace smtpscope::smtp
