// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/analyzer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "smtp/guess.h"
#include "tls/beginning.h"

namespace smtpscope::smtp {

namespace {

constexpr std::string_view smtp_source = "SMTP";
constexpr std::string_view line_source = "CONTENTLINE";
constexpr std::size_t max_command_length =
    16384;  // bytes; RFC 5321, 4.5.3.1.4 asks for 512, servers take 2,048 to 12,288

const char* name_of_end(const Line& dot) {
    static constexpr const char* names[3][3] = {{"<CR><LF>.<CR><LF>", "<CR><LF>.<LF>", "<CR><LF>.<CR>"},
                                                {"<LF>.<CR><LF>", "<LF>.<LF>", "<LF>.<CR>"},
                                                {"<CR>.<CR><LF>", "<CR>.<LF>", "<CR>.<CR>"}};
    return names[static_cast<std::size_t>(dot.before)][static_cast<std::size_t>(dot.end)];
}

}  // namespace

Analyzer::Analyzer(const Limits& limits, Handler& handler) : limits_(&limits), handler_(&handler) {
    pending_.push_back({Verb::greeting, false, false, false, false, 0});
}

// ---- lines

Analyzer::Answer Analyzer::data(Side side, std::string_view bytes) {
    LineReader& r = reader(side);
    while (!bytes.empty() && follows()) {
        if (chunk_left_ > 0 && is_client(side)) {
            r.skip_line_end(bytes);
            take_chunk(bytes);
            continue;
        }
        auto line = r.due(bytes);
        report_oddities(r);
        if (!line) {
            if (mode_ == Mode::data && is_client(side)) plain_content(r, bytes);
            if (goes_over_to_tls(side, r.partial(), bytes))
                return {disposition_, std::string(r.partial()).append(bytes)};
            line = r.next(bytes, limits_->line_length);
            report_oddities(r);
        }
        if (!line) return {};
        if (is_client(side))
            client_line(*line);
        else
            server_line(*line);
    }
    return {disposition_, std::string(bytes)};
}

/// A client that begins a handshake has had the reply to its STARTTLS, though the capture may lack the reply, or the
/// command, and the server's part of the handshake shows the same where both are lost. `partial`: what has come of its
/// line before.
bool Analyzer::goes_over_to_tls(Side side, std::string_view partial, std::string_view bytes) {
    if (mode_ != Mode::command || in_message_ || tls::begins(partial, bytes) != tls::Beginning::yes) return false;
    const Pending* const last = pending_head_ == pending_.size() ? nullptr : &pending_.back();
    const bool asked = last && last->before_gap && (last->verb == Verb::starttls || last->verb == Verb::x_anonymoustls);
    if (!asked && !(recovering_ && (ready_for_tls_ || !is_client(side)))) return false;
    go_over_to_tls();
    return true;
}

void Analyzer::go_over_to_tls() {
    disposition_ = Disposition::tls;
    handler_->smtp_starttls();
}

void Analyzer::report_oddities(LineReader& r) {
    if (!r.has_oddities()) return;
    const LineOddities odd = r.take_oddities();
    if (odd.nul) handler_->smtp_weird("NUL_in_line", {}, line_source);
    if (odd.single_cr) handler_->smtp_weird("line_terminated_with_single_CR", {}, line_source);
    if (odd.too_long) handler_->smtp_weird("contentline_size_exceeded", {}, line_source);
}

Disposition Analyzer::end(Side side) {
    if (!follows()) return disposition_;
    if (const auto line = reader(side).flush()) {
        if (is_client(side))
            client_line(*line);
        else
            server_line(*line);
    }
    return disposition_;
}

void Analyzer::finish() {
    sized_ &= !loss_ || loss_->content == 0;
    if (in_message_) end_message();
}

// ---- the client

void Analyzer::client_line(const Line& line) {
    if (recovering_) return collect(line);
    switch (mode_) {
        case Mode::data:
            return data_line(line);
        case Mode::auth:
            return auth_line(line);
        case Mode::command:
            return command_line(line);
    }
}

void Analyzer::push(const Request& request, bool doubtful) {
    const auto [tag, disposition] = handler_->smtp_request(request);
    disposition_ = disposition;
    if (!follows()) return;
    if (limits_->pending_commands > 0 && pending_.size() - pending_head_ >= limits_->pending_commands) {
        handler_->smtp_weird("smtp_excessive_pending_cmds", {}, smtp_source);
        while (pending_head_ < pending_.size()) lose_front();
    }
    const bool behind_gap = pending_head_ < pending_.size() && pending_.back().behind_gap;
    pending_.push_back({request.verb, request.final, doubtful, false, behind_gap, tag});
}

void Analyzer::command_line(const Line& line) {
    if (!line.whole() || line.text.size() > max_command_length) {  // the server refuses it, once
        if (line.ends) push({});
        return;
    }
    // Not a command: where lines end with several CRs the server sees none here.
    if (line.text.empty()) return;
    const Command c = parse_command(line.text);
    if (doubtful_) check_smuggling(c);
    if (c.verb == Verb::unknown) {
        // The text may be a password that was sent out of turn.
        handler_->smtp_unexpected(turned_ ? Side::resp : Side::orig, "unknown command", {});
        push({});
        return;
    }
    if (c.verb == Verb::auth) return auth_command(c.arg);
    const bool last = (c.verb == Verb::bdat || c.verb == Verb::burl) && c.arg.size() >= 5 &&
                      starts_with_ignoring_case(c.arg.substr(c.arg.size() - 5), " LAST");
    push({c.verb, c.arg, last, {}});
    if (!follows()) return;
    if (c.verb == Verb::bdat) return bdat_command(c.arg);
    if (c.verb == Verb::burl && !last) return;  // the server fetches a part itself (RFC 4468), between BDAT chunks
    if (in_bdat_ && c.verb == Verb::burl) {
        bdat_.finish(*handler_);
        return end_message();
    }
    if (in_bdat_) {
        report_lost_chunks();
        // After a loss within a chunk the reference has closed it already.
        if (!gapped_) handler_->smtp_weird("smtp_missing_bdat_last_chunk", {}, smtp_source);
        bdat_.finish(*handler_);
        end_message();
    }
    if (c.verb != Verb::data) return;
    begin_message();
    mode_ = Mode::data;
    data_accepted_ = data_reply_lost_ = false;
}

/// The mechanism, and perhaps an initial response (RFC 4954, 4), which is a secret.
void Analyzer::auth_command(std::string_view arg) {
    auth_ = std::make_unique<AuthDialogue>(arg);
    push({Verb::auth, auth_->mechanism(), false, auth_->user()});
}

void Analyzer::auth_line(const Line& line) {
    mode_ = Mode::command;  // until the next 334
    if (auth_ && line.whole()) auth_->answer(line.text);
    push({Verb::auth_answer, {}, false, auth_ ? std::string_view(auth_->user()) : std::string_view()});
}

void Analyzer::bdat_command(std::string_view text) {
    const BdatArgument arg = parse_bdat_argument(text);
    if (arg.error) return handler_->smtp_weird("smtp_invalid_bdat_command", arg.error, smtp_source);
    if (arg.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return handler_->smtp_weird("smtp_huge_bdat_chunk", std::to_string(arg.size), smtp_source);
    if (!in_bdat_) {
        begin_message();
        in_bdat_ = true;
        report_lost_chunks();
    }
    chunk_left_ = arg.size;
    chunk_last_ = arg.last;
    if (chunk_left_ == 0) finish_chunk();
}

void Analyzer::take_chunk(std::string_view& bytes) {
    const std::string_view octets = bytes.substr(0, std::min<std::uint64_t>(chunk_left_, bytes.size()));
    bytes.remove_prefix(octets.size());
    chunk_left_ -= octets.size();
    bdat_.data(octets, *handler_);
    if (chunk_left_ == 0) finish_chunk();
}

void Analyzer::finish_chunk() {
    if (!chunk_last_) return;
    bdat_.finish(*handler_);
    end_message();
}

void Analyzer::begin_message() {
    if (in_message_) {
        handler_->smtp_weird("smtp_nested_mail_transaction", {}, smtp_source);
        end_message();
    }
    in_message_ = sized_ = true;
    data_begun_ = gapped_ = crlf_seen_ = false;
    handler_->smtp_begin_data();
}

void Analyzer::end_message() {
    report_lost_content();
    if (in_bdat_) report_lost_chunks();
    in_message_ = in_bdat_ = gapped_ = false;
    reset_ = true;
    chunk_left_ = 0;
    if (mode_ == Mode::data) mode_ = Mode::command;
    if (loss_) loss_->trailing.clear();
    handler_->smtp_end_data(sized_);
}

/// Where a dot stands between other line ends than CRLF, a server may read on (SMTP smuggling, CVE-2023-51764). It is
/// an end, as for the reference, but the transaction is not over before a reply says so.
void Analyzer::end_of_data(bool doubtful) {
    end_message();
    push({Verb::end_of_data, {}, !doubtful, {}}, doubtful);
}

/// The client has not waited for a reply: to a server that reads on, what it sends is part of the message.
void Analyzer::check_smuggling(const Command& c) {
    const char* how = std::exchange(doubtful_, nullptr);
    if (c.verb == Verb::mail || c.verb == Verb::ehlo || c.verb == Verb::helo || c.verb == Verb::rset)
        handler_->smtp_smuggled(how);
}

void Analyzer::data_line(const Line& line) {
    // How a line ended is certain only when the next one has come.
    crlf_seen_ |= data_begun_ && line.before == LineEnd::crlf;
    if (line.whole() && line.text == ".") {
        // Of a client that never ends its lines with CRLF there is nothing to conclude.
        doubtful_ = line.plain || !crlf_seen_ ? nullptr : name_of_end(line);
        return end_of_data(!line.plain);
    }
    if (data_reply_lost_ && !data_accepted_ && !data_begun_ && is_plain_command(line.text)) {
        // The lost reply refused DATA: no letter begins like this.
        end_message();
        return command_line(line);
    }
    if (gapped_) collect(line);
    content_line(line, line.ends);
}

void Analyzer::content_line(const Line& line, bool crlf) {
    std::string_view text = line.text;
    if (line.begins && text.starts_with('.')) text.remove_prefix(1);
    data_begun_ = true;
    report_lost_content();
    handler_->smtp_data(text, crlf);
}

/// The way of nearly all content, with nothing to be decided: lines of a message that nothing was lost of.
void Analyzer::plain_content(const LineReader& r, std::string_view& bytes) {
    if (!data_begun_ || gapped_ || recovering_ || loss_) return;
    const std::string_view lines = r.plain_lines(bytes, limits_->line_length);
    if (lines.empty()) return;
    crlf_seen_ = true;
    handler_->smtp_data_lines(lines);
}

/// Not before it is known that the message's end is not among it.
void Analyzer::report_lost_content() {
    if (loss_ && loss_->content > 0) handler_->smtp_data_gap(std::exchange(loss_->content, 0));
}

// ---- the server

void Analyzer::server_line(const Line& line) {
    if (!line.begins) return;
    const auto reply = parse_reply(line.text);
    if (!reply) {
        handler_->smtp_unexpected(turned_ ? Side::orig : Side::resp, "reply code out of range", line.text);
        return;
    }
    server_seen_ = true;
    // A code that changes within a reply (RFC 5321, 4.2.1 forbids it) does not make it two.
    if (!continuing_) begin_reply(reply->code, reply->text);
    if (!follows()) return;
    continuing_ = reply->more;
    const bool to_lost_command = client_gap_ && answered_.tag == 0 && answered_.verb == Verb::unknown;
    handler_->smtp_reply({answered_.tag, answered_.verb, answered_.final, reply->code, reply->more, reply->text,
                          to_lost_command, answered_.before_gap || answered_.behind_gap});
    if (!continuing_ && follows()) finish_reply(*reply);
}

bool Analyzer::pending_has(Verb v) const {
    return std::any_of(pending_.begin() + static_cast<std::ptrdiff_t>(pending_head_), pending_.end(),
                       [v](const Pending& p) { return p.verb == v; });
}

void Analyzer::lose_front() {
    const Pending p = pending_[pending_head_++];
    if (p.verb == Verb::mail) begin_transaction();
    handler_->smtp_reply_lost(p.tag, p.verb, p.final);
}

/// Lets go of commands that this reply cannot be for.
void Analyzer::align(std::uint16_t code, std::string_view text) {
    const auto waiting = [this] { return pending_head_ < pending_.size(); };
    // A client that has gone on after a loss in the server's stream had its replies before.
    while (waiting() && pending_[pending_head_].before_gap && !pending_.back().before_gap) lose_front();
    // More was sent after a doubtful end, without waiting: this is the reply to the true one.
    if (waiting() && pending_[pending_head_].doubtful && pending_.back().verb == Verb::end_of_data)
        while (pending_head_ + 1 < pending_.size()) lose_front();
    // Only DATA is answered with 354, and where there is none it was lost.
    if (code == 354 && (client_gap_ || pending_has(Verb::data)))
        while (waiting() && pending_[pending_head_].verb != Verb::data) lose_front();
    if (server_gap_)
        if (const Verb verb = verb_of_reply(code, text); verb != Verb::unknown && pending_has(verb))
            while (pending_[pending_head_].verb != verb) lose_front();
    // Nor is DATA answered like this: its 354 was lost if more was sent since.
    const std::size_t left = pending_.size() - pending_head_;
    if (code < 300 && left > 1 && pending_[pending_head_].verb == Verb::data && (server_gap_ || left > 2)) lose_front();
}

void Analyzer::begin_reply(std::uint16_t code, std::string_view text) {
    // Whoever waits for the reply to his dot has ended the line: no LF will follow its CR.
    if (mode_ == Mode::data && pending_head_ == pending_.size())
        if (const auto dot = reader(turned_ ? Side::resp : Side::orig).release_dot()) client_line(*dot);
    doubtful_ = nullptr;
    recover(code);
    align(code, text);
    answered_ = {};
    if (pending_head_ == pending_.size()) {
        ++unexplained_;
        return;
    }
    const Pending& front = pending_[pending_head_];
    // DATA is not answered like this: the reply is to a command that was lost.
    if (client_gap_ && front.verb == Verb::data && code < 300) {
        ++unexplained_;
        return;
    }
    answered_ = front;
    answered_.final |= front.doubtful;
    if (lmtp_ && answered_.final) {
        if (lmtp_due_ == 0) lmtp_due_ = std::max<std::uint32_t>(1, accepted_);
        answered_.final = --lmtp_due_ == 0;
        if (!answered_.final) return;  // the next recipient's reply is to the same command (RFC 2033, 4.2)
    }
    ++pending_head_;
    if (pending_head_ < pending_.size() - pending_head_) return;  // half of it is history: a constant cost each
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(pending_head_));
    pending_head_ = 0;
}

void Analyzer::finish_reply(const ReplyLine& reply) {
    const std::uint16_t code = reply.code;
    reply_lost_ = false;
    switch (answered_.verb) {
        case Verb::data:
            data_accepted_ |= code == 354;
            reset_ |= code != 354;
            if (code != 354 && mode_ == Mode::data) end_message();
            break;
        case Verb::auth:
        case Verb::auth_answer:
            // A client that did not wait has sent its answer before.
            if (code != 334)
                auth_.reset();
            else if (mode_ == Mode::command && pending_head_ == pending_.size())
                mode_ = Mode::auth;
            if (auth_) auth_->challenge(reply.text);
            break;
        case Verb::starttls:
        case Verb::x_anonymoustls:
            if (code != 220) break;
            go_over_to_tls();
            break;
        case Verb::lhlo:
            lmtp_ |= code == 250;
            reset_ |= code == 250;
            break;
        case Verb::rset:
        case Verb::ehlo:
        case Verb::helo:
            reset_ |= code == 250;
            break;
        case Verb::mail:
            if (code < 300) begin_transaction();  // refused, it leaves the one that stands as it was, or none
            break;
        case Verb::rcpt:
            if (code < 300)
                ++accepted_;
            else
                refused_ = true;
            break;
        case Verb::turn:
            if (code == 250) turned_ = !turned_;
            break;
        default:
            ready_for_tls_ = code == 220 && recovering_ && answered_.verb == Verb::unknown;
            if (code == 354 && client_gap_ && mode_ == Mode::command && !in_message_) begin_lost_message();
            break;
    }
}

}  // namespace smtpscope::smtp
