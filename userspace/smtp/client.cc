// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/client.h"

#include <limits>
#include <utility>

#include "base/ascii.h"
#include "smtp/guess.h"

namespace smtpscope::smtp {

namespace {

constexpr std::size_t max_command_length =
    16384;  // bytes; RFC 5321, 4.5.3.1.4 asks for 512, servers take 2,048 to 12,288

bool is_last_chunk(const Command& c) {
    return (c.verb == Verb::bdat || c.verb == Verb::burl) && c.arg.size() >= 5 &&
           starts_with_ignoring_case(c.arg.substr(c.arg.size() - 5), " LAST");
}

}  // namespace

void Client::push(const Request& request, bool doubtful) {
    disposition_ = queue_->push(request, doubtful);
}

void Client::go_over_to_tls() {
    disposition_ = Disposition::tls;
    handler_->smtp_starttls();
}

void Client::line(const Line& line) {
    if (in_data()) return data_line(line);
    if (mode_ == Mode::auth) return auth_line(line);
    command(line);
}

// ---- commands

void Client::command(const Line& line) {
    if (!line.whole() || line.text.size() > max_command_length) {  // the server refuses it, with one reply
        if (line.ends) push({});
        return;
    }
    // Not a command: such lines come from line ends with several CRs, where the server sees none.
    if (line.text.empty()) return;
    const Command c = parse_command(line.text);
    check_smuggling(c.verb);
    if (c.verb == Verb::unknown) {
        // The text may be a password that was sent out of turn.
        handler_->smtp_unexpected(side_, "unknown command", {});
        return push({});
    }
    if (c.verb == Verb::auth) return auth_command(c.arg);
    const bool last = is_last_chunk(c);
    push({c.verb, c.arg, last, {}});
    if (!follows()) return;
    if (c.verb == Verb::bdat) return bdat_command(c.arg);
    if (c.verb == Verb::burl && !last) return;  // the server fetches a part itself (RFC 4468), between BDAT chunks
    if (in_bdat()) {
        if (c.verb != Verb::burl) {
            report_lost_chunks();
            // After a loss within a chunk the reference has closed it already.
            if (!message_->is_gapped()) handler_->smtp_weird("smtp_missing_bdat_last_chunk", {}, smtp_source);
        }
        end_bdat();
    }
    if (c.verb == Verb::data) data_command();
}

void Client::data_command() {
    begin_message(Message::Kind::lines);
    mode_ = Mode::commands;  // an answer that was due will not come any more
}

/// The mechanism, and perhaps an initial response (RFC 4954, 4), which is a secret.
void Client::auth_command(std::string_view arg) {
    auth_ = std::make_unique<AuthDialogue>(arg);
    push({Verb::auth, auth_->mechanism(), false, auth_->user()});
}

void Client::auth_line(const Line& line) {
    mode_ = Mode::commands;  // until the next 334
    if (auth_ && line.whole()) auth_->answer(line.text);
    push({Verb::auth_answer, {}, false, auth_ ? std::string_view(auth_->user()) : std::string_view()});
}

void Client::auth_answered(std::uint16_t code, std::string_view text, bool waits) {
    if (code != 334)
        auth_.reset();
    else if (mode_ == Mode::commands && !in_data() && waits)
        mode_ = Mode::auth;
    if (auth_) auth_->challenge(text);
}

/// The client has not waited for a reply: to a server that does not see the end here, what it sends is part of the
/// message.
void Client::check_smuggling(Verb verb) {
    const auto ends = std::exchange(doubtful_end_, std::nullopt);
    if (ends && (verb == Verb::mail || verb == Verb::ehlo || verb == Verb::helo || verb == Verb::rset))
        handler_->smtp_smuggled(name_of(*ends));
}

const char* Client::name_of(DotEnds ends) {
    static constexpr const char* names[3][3] = {{"<CR><LF>.<CR><LF>", "<CR><LF>.<LF>", "<CR><LF>.<CR>"},
                                                {"<LF>.<CR><LF>", "<LF>.<LF>", "<LF>.<CR>"},
                                                {"<CR>.<CR><LF>", "<CR>.<LF>", "<CR>.<CR>"}};
    return names[static_cast<std::size_t>(ends.before)][static_cast<std::size_t>(ends.behind)];
}

// ---- messages

void Client::begin_message(Message::Kind kind) {
    if (message_) {
        handler_->smtp_weird("smtp_nested_mail_transaction", {}, smtp_source);
        end_message();
    }
    message_ = std::make_unique<Message>(*handler_, kind);
    handler_->smtp_begin_data();
}

void Client::end_message() {
    if (in_bdat()) report_lost_chunks();
    queue_->envelope().close();
    recovery_->forget_lines();
    message_->end();
    message_.reset();
}

void Client::cut_off_message() {
    message_->cut_off();
    end_message();
}

/// If a dot is between line ends other than CRLF, a server may not take it for the end (SMTP smuggling,
/// CVE-2023-51764). Here it is an end, as for the reference, but the transaction is not over before a reply says so.
void Client::end_of_data(bool doubtful) {
    end_message();
    push({Verb::end_of_data, {}, !doubtful, {}}, doubtful);
}

void Client::data_line(const Line& line) {
    message_->note_line_end(line);
    if (line.whole() && line.text == ".") {
        doubtful_end_.reset();
        if (!line.plain && message_->has_crlf()) doubtful_end_ = {line.before, line.end};
        return end_of_data(!line.plain);
    }
    if (message_->may_be_refused() && is_plain_command(line.text)) {
        // The lost reply refused DATA: no message begins like this.
        end_message();
        return command(line);
    }
    if (message_->is_gapped()) recovery_->note_line(line);
    message_->line(line, line.ends);
}

// ---- chunks

void Client::bdat_command(std::string_view text) {
    const BdatArgument arg = parse_bdat_argument(text);
    if (arg.error) return handler_->smtp_weird("smtp_invalid_bdat_command", arg.error, smtp_source);
    if (arg.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return handler_->smtp_weird("smtp_huge_bdat_chunk", std::to_string(arg.size), smtp_source);
    if (!in_bdat()) {
        begin_message(Message::Kind::chunks);
        report_lost_chunks();
    }
    message_->begin_chunk(arg);
    if (message_->is_complete()) end_bdat();
}

void Client::past_chunk(const Command& bdat) {
    push({bdat.verb, bdat.arg, parse_bdat_argument(bdat.arg).last, {}});
}

void Client::chunk(std::string_view& bytes) {
    message_->chunk(bytes);
    if (message_->is_complete()) end_bdat();
}

std::uint64_t Client::lose_in_chunk(std::uint64_t length) {
    const std::uint64_t behind = message_->lose_in_chunk(length);
    if (message_->is_complete()) end_bdat();
    return behind;
}

void Client::report_lost_chunks() {
    if (const auto lost = recovery_->take_lost_chunks()) message_->lose_chunks(*lost);
}

void Client::end_bdat() {
    message_->finish_lines();
    end_message();
}

}  // namespace smtpscope::smtp
