// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/dialogue.h"

#include "smtp/guess.h"

namespace smtpscope::smtp {

void Dialogue::finish() {
    if (client_.message()) client_.cut_off_message();
}

// ---- the server

void Dialogue::server_line(const ReplyLine& line) {
    recovery_.note_server();
    // A code that changes within a reply (RFC 5321, 4.2.1 forbids it) does not make it two.
    if (!queue_.continues()) begin_reply(line);
    if (!client_.follows()) return;
    queue_.note_line(line.more);
    const ReplyQueue::Pending& request = queue_.answered();
    const bool to_lost_command = recovery_.commands_lost() && request.tag == 0 && request.verb == Verb::unknown;
    handler_->smtp_reply({request.tag, request.verb, request.final, line.code, line.more, line.text, to_lost_command,
                          request.before_gap || request.behind_gap});
    if (!line.more && client_.follows()) finish_reply(line);
}

void Dialogue::begin_reply(const ReplyLine& line) {
    client_.note_reply();
    recover(line.code);
    if (!client_.follows()) return;
    if (!queue_.begin_reply(line.code, line.text, recovery_.commands_lost())) recovery_.note_unexplained_reply();
}

void Dialogue::finish_reply(const ReplyLine& reply) {
    const Verb verb = queue_.answered().verb;
    const std::uint16_t code = reply.code;
    recovery_.note_reply_read();
    queue_.finish_reply(code);
    switch (verb) {
        case Verb::data:
            if (Message* const message = client_.message()) message->answered(code);
            if (code != 354 && client_.in_data()) client_.end_message();
            break;
        case Verb::auth:
        case Verb::auth_answer:
            client_.auth_answered(code, reply.text, queue_.empty());
            break;
        case Verb::starttls:
        case Verb::x_anonymoustls:
            if (code == 220) client_.go_over_to_tls();
            break;
        case Verb::turn:
            if (code == 250) client_.turn();
            break;
        case Verb::ehlo:
        case Verb::helo:
        case Verb::lhlo:
        case Verb::mail:
        case Verb::rcpt:
        case Verb::rset:
            break;
        default:
            recovery_.note_doubtful_reply(verb, code);
            if (code == 354 && recovery_.commands_lost() && client_.between_messages()) begin_lost_message();
            break;
    }
}

bool Dialogue::begin_tls(Side side) {
    if (!client_.between_messages()) return false;
    const bool asked = queue_.lost_reply_to(Verb::starttls) || queue_.lost_reply_to(Verb::x_anonymoustls);
    if (!asked && !recovery_.may_go_over_to_tls(side == client_.side())) return false;
    client_.go_over_to_tls();
    return true;
}

// ---- what is lost

void Dialogue::client_gap(std::uint64_t length, const Line* torn, bool in_chunk) {
    recovery_.client_gap();
    if (!client_.in_data()) {
        queue_.lose_before_gap();
        client_.expect_commands();
        return recovery_.begin(length, in_chunk);
    }
    client_.message()->lose(length, torn);
    if (client_.message()->is_accepted() && recovery_.reply_lost()) lose_end_of_data();
}

void Dialogue::server_gap() {
    queue_.gap();
    recovery_.server_gap();
    Message* const message = client_.message();
    if (!message) return;
    message->reply_lost(queue_.has(Verb::data));
    if (client_.in_data() && message->is_gapped() && message->is_accepted()) lose_end_of_data();
}

/// A server does not speak during a message. Bytes of both sides were lost, so the message's end is among them. What
/// the client sends now is unknown.
void Dialogue::lose_end_of_data() {
    client_.message()->lose_end_somewhere();
    client_.end_of_data(false);
    if (!client_.follows()) return;
    queue_.lose_all();
    recovery_.begin_behind_message();
}

void Dialogue::lose_commands() {
    queue_.envelope().begin();
    handler_->smtp_commands_lost();
}

/// The server accepts a message whose DATA was lost.
void Dialogue::begin_lost_message() {
    if (!recovery_.end_before_lost_data(queue_.envelope())) lose_commands();
    handler_->smtp_data_command_lost();
    client_.begin_message(Message::Kind::lines);
    client_.message()->lose_beginning();
}

// ---- the way back

void Dialogue::client_line(const Line& line) {
    if (recovery_.is_under_way())
        collect(line);
    else
        client_.line(line);
}

/// The server's answer will show what the line was, unless the line itself does.
void Dialogue::collect(const Line& line) {
    if (line.ends)
        if (const std::string_view command = chunk_command_at_end(line.text); !command.empty())
            return recover_chunk(line.text.substr(0, line.text.size() - command.size()), command);
    if (recovery_.server_speaks() || !Recovery::may_be_command(line)) return recovery_.note_line(line);
    // Only one side was captured: no answer will be seen.
    recovery_.end();
    if (recovery_.may_be_new_transaction()) lose_commands();
    client_.command(line);
}

/// The octets of a chunk directly follow its command, which comes where the chunk before it ends, even inside a line.
void Dialogue::recover_chunk(std::string_view before, std::string_view command) {
    recovery_.note_octets(before);
    if (recovery_.server_speaks()) {
        const Verb first = recovery_.first_command();
        leave_recovery(first == Verb::unknown ? Verb::bdat : first, 0);
    }
    recovery_.end();
    if (client_.follows()) client_.command({command});
}

/// The server speaks, so no message is under way: it answers the client's last lines.
void Dialogue::recover(std::uint16_t code) {
    if (recovery_.is_under_way()) {
        if (const Verb first = recovery_.first_command(); first != Verb::unknown)
            leave_recovery(first, code);
        else if (code == 354)
            recovery_.end();  // a lost DATA was answered
        return;
    }
    if (!client_.in_data() || !client_.message()->is_gapped()) return;
    // Content was sent, so a lost reply had accepted DATA.
    if (code != 354 && client_.message()->has_begun() && queue_.lost_reply_to(Verb::data)) queue_.lose_all();
    if (queue_.empty()) recover_end_of_data();
}

void Dialogue::recover_end_of_data() {
    const Recovery::Lines commands = recovery_.take_lines();
    client_.message()->lose_end(!commands.empty());
    client_.end_of_data(false);
    if (commands.empty() || !client_.follows()) return;
    // A client that has sent commands since then either had the reply, which was lost as well, or did not wait for it.
    if (recovery_.reply_lost()) queue_.lose_front();
    const Verb next = parse_command(commands.front()).verb;
    if (next == Verb::rcpt || next == Verb::data || next == Verb::bdat) lose_commands();  // at least its MAIL
    replay(commands);
}

/// The lines since the gap were commands, of which `next` is the first. `code`: of the reply that shows it; 0: none.
void Dialogue::leave_recovery(Verb next, std::uint16_t code) {
    const bool in_bdat = client_.in_bdat();
    const bool stands = recovery_.end_before(next, code, in_bdat, queue_.envelope());
    const Recovery::Lines commands = recovery_.take_lines();
    if (in_bdat) client_.report_lost_chunks();
    if (in_bdat && !stands) client_.end_bdat();
    if (!stands) lose_commands();
    replay(commands);
}

void Dialogue::replay(const Recovery::Lines& commands) {
    const std::size_t first = queue_.mark();
    for (const std::string& text : commands) {
        if (const Command c = parse_command(text); c.verb == Verb::bdat)
            client_.past_chunk(c);
        else
            client_.command({text});
        if (!client_.follows()) return;
    }
    queue_.doubt_since(first);
}

}  // namespace smtpscope::smtp
