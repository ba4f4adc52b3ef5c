// SPDX-License-Identifier: BSD-3-Clause
#include "records/session.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "records/notices.h"
#include "records/paths.h"
#include "records/publish.h"
#include "smtpscope/text.h"

namespace smtpscope::records {

using smtp::Tag;
using smtp::Verb;

namespace {

constexpr Timestamp lost = Timestamp::min();     // in place of a time that is unknown
constexpr std::size_t max_address_length = 320;  // bytes: RFC 3696's erratum allows 254

}  // namespace

Session::Session(const Context& shared, const ConnId& conn, Timestamp begin) : Scope(shared, conn, begin) {}

Session::~Session() = default;

// ---- transactions

Transaction& Session::open_transaction() {
    if (!server_seen_) write_all();  // only one side was captured: no reply will be seen
    // Messages that were sent and wait for their reply count too, if the server's side is captured.
    const std::uint64_t sent = server_seen_ ? transactions_.waiting() : 0;
    Beginning known = std::exchange(next_, {});
    Transaction& t = transactions_.add();
    t.tag = ++last_tag_;
    t.first_command = known.first_command;
    t.missing.bytes = known.missed > 0;
    t.missing.commands = known.commands_lost;
    t.missing.beginning = known.joined_late;
    Info& rec = t.info;
    rec.ts = known.begin == Timestamp{} ? now : known.begin;
    rec.uid = uid();
    rec.id = id;
    rec.trans_depth = state.messages_transferred + sent + 1;
    rec.helo = state.helo;
    if (!known.reply.empty()) rec.last_reply = std::move(known.reply);
    rec.path = {id.resp_h, id.orig_h};
    if (known.missed > 0 && wants(ExtraField::missed_bytes)) rec.missed_bytes = known.missed;
    return t;
}

Transaction& Session::current() {
    Transaction* t = transactions_.newest();
    return t ? *t : open_transaction();
}

/// A transaction begins with the first activity after the previous one, not with its MAIL.
void Session::note_activity() {
    if (next_.begin == Timestamp{} && !transactions_.newest()) next_.begin = now;
}

/// The duration begins with the first command after that; `lost`: that command may have been lost.
void Session::note_command(Timestamp when) {
    if (next_.first_command == Timestamp{} && !transactions_.newest()) next_.first_command = when;
}

/// The record that the message being received belongs to.
Draft* Session::message_draft() {
    return transactions_.find(message_.tag);
}

void Session::write(Transaction& t) {
    if (!t.active) return fates_.settle(t, Fate::unknown);
    complete_fields(t);
    const Hooks& hooks = *context->hooks;
    if (hooks.log_policy && !hooks.log_policy(t.info)) {
        ++context->stats->vetoed_records;
        return fates_.settle(t, Fate::kept);
    }
    ++context->stats->smtp_records;
    const DropPolicy* const policy = context->options->policy.get();
    const bool dropped = policy && policy->drops(t.info);
    fates_.settle(t, dropped ? Fate::dropped : Fate::kept);
    if (!dropped) publish(*context, t.info);
}

/// The fields that follow from others, or from the session.
void Session::complete_fields(Transaction& t) {
    Info& rec = t.info;
    derive(rec, options());
    if (t.content.fetched) rec.message_bytes.reset();
    t.judge(options().extra_fields, lmtp_);
    // Nothing more would have been learned from what is encrypted or no longer followed.
    if (wants(ExtraField::incomplete)) {
        if (const char* why = name_of(ending_); why && disposition_ == Disposition::follow && !t.envelope.aborted)
            rec.incomplete = why;
        else if (t.missing.beginning && !rec.tls)
            rec.incomplete = "beginning";
    }
    circumstances_.fill(rec, options().extra_fields, *context->hooks, *context->owners, *context->stats);
    if (offer_.is_known() && wants(ExtraField::extensions)) rec.extensions = offer_.keywords();
    if (!facts_) return;
    facts_->login.fill(rec, options().extra_fields);
    if (wants(ExtraField::tls_version) && rec.tls) rec.tls_version = facts_->tls_version;
}

/// The final reply has come, or never will.
void Session::complete(Transaction& t) {
    ++state.messages_transferred;
    write(t);
    transactions_.remove(t);
    if (transactions_.empty()) next_.begin = now;
}

void Session::finish() {
    if (ending_ == Ending::closed && disposition_ == Disposition::follow) note_hanging_up();
    if (context->hooks->finalize_smtp)
        context->hooks->finalize_smtp(id, state, transactions_.empty() ? nullptr : &transactions_.back().info);
    write_all();
    fates_.settle_session();
}

void Session::write_all() {
    for (const auto& t : transactions_) write(*t);
    transactions_.clear();
}

// ---- records of other streams

/// The notices of the engine, which belong to this session until the next one asks.
Notices& Session::notices() {
    context->waiting->speak_of(this);
    return *context->notices;
}

void Session::hold(Record&& record, ContentSink::Handle content) {
    fates_.hold(*this, std::move(record), content, transactions_.tags(), in_message());
}

// ---- what is known beside the events

void Session::sent_by(Side from, const Sender& sender) {
    circumstances_.sent_by(from, sender, *context->hooks, *context->owners);
}

/// Once its content was sent, a transaction cannot lose bytes of the client any more; with none open, the loss belongs
/// to the beginning of the next one.
void Session::missed(Side from, std::uint64_t length) {
    const bool from_client = from == client_;
    next_.joined_late |= length == 0 && from_client && transactions_.empty();
    bool counted = false;
    for (const auto& t : transactions_) {
        if (from_client && t->content.last_sent && t->content.ended) continue;
        counted = t->missing.bytes = true;
        if (from_client) t->missing.client = length;
        if (length > 0 && wants(ExtraField::missed_bytes))
            t->info.missed_bytes = t->info.missed_bytes.value_or(0) + length;
    }
    if (counted) return;
    next_.missed += length;
    if (!from_client) return;
    note_command(lost);
    if (facts_) facts_->login.commands_lost();
}

void Session::ignored(std::uint64_t bytes) {
    if (transactions_.empty() || bytes == 0) return;
    Transaction& t = transactions_.back();
    t.content.ignored = true;
    if (wants(ExtraField::ignored_bytes)) t.info.ignored_bytes = t.info.ignored_bytes.value_or(0) + bytes;
}

/// The bytes lost in the newest transaction may have been its end and the beginning of the next one.
void Session::lost_its_end(const Transaction& t) {
    if (&t != &transactions_.back()) return;
    next_.missed = t.missing.client;
    if (t.missing.client > 0) note_command(lost);
}

void Session::smtp_weird(std::string_view name, std::string_view addl, std::string_view source) {
    weird(name, addl, source);
}

// ---- commands

smtp::Handler::Answer Session::smtp_request(const smtp::Request& request) {
    note_activity();
    note_command(now);
    Tag tag = 0;
    switch (request.verb) {
        case Verb::ehlo:
        case Verb::helo:
        case Verb::lhlo:
            hello(request);
            break;
        case Verb::mail:
            if (starts_with_ignoring_case(request.arg, "FROM:")) mail(request.arg);
            break;
        case Verb::rcpt:
            if (starts_with_ignoring_case(request.arg, "TO:"))
                rcpt(request.arg);
            else if (Transaction* t = transactions_.newest())
                t->recipients.unanswered.push({});  // the command is answered like the others
            break;
        case Verb::auth:
        case Verb::auth_answer:
            facts().login.request(request);
            break;
        case Verb::data:
        case Verb::bdat:
        case Verb::burl:
        case Verb::end_of_data: {
            Transaction& t = current();
            tag = t.tag;
            content_command(t, request);
            break;
        }
        default:
            break;
    }
    const Transaction* t = transactions_.newest();
    return {tag == 0 && t ? t->tag : tag, disposition_};
}

void Session::hello(const smtp::Request& request) {
    lmtp_ |= request.verb == Verb::lhlo;
    offer_.begin();
    state.helo = std::string(request.arg);
    if (Transaction* t = transactions_.newest()) t->info.helo = state.helo;
}

void Session::mail(std::string_view arg) {
    Transaction* t = &current();
    if (t->active) {
        // If the server refuses this MAIL, the transaction before it stays open (RFC 5321, 4.1.4).
        t->envelope.superseded = true;
        next_.begin = next_.first_command = now;
        t = &open_transaction();
    }
    if (std::string from = extract_first_email_addr(arg); !from.empty()) t->info.mailfrom = std::move(from);
    t->info.null_sender = arg.find("<>") != arg.npos && path_of(arg, "FROM:").empty();
    t->envelope.aborted = false;
    t->missing.beginning &= t->active;  // its beginning is its MAIL, which was seen
    t->active = true;
    state.trans_mail_from_seen = true;
    state.trans_rcpt_to_seen = false;
}

void Session::rcpt(std::string_view arg) {
    Transaction& t = current();
    t.envelope.aborted = false;
    Info& rec = t.info;
    std::vector<std::string> found = recipients_of(arg);
    const std::string_view to = path_of(arg, "TO:");
    const bool with_domain = !found.empty() && to.find('@') != to.npos;
    const std::string_view address = with_domain ? found.front() : to;
    t.recipients.unanswered.push(std::string(address.substr(0, max_address_length)));
    if (!insert_addresses(rec.rcptto, std::move(found), options().max_rcptto_addresses))
        weird("smtp_too_many_rcptto_addresses", {}, {});
    ++rec.recipients;
    t.active = true;
    state.trans_rcpt_to_seen = true;
    if (options().mail_transaction_validation && !state.trans_mail_from_seen)
        invalid_transaction("rcpt to missing mail from");
}

Session::Facts& Session::facts() {
    if (!facts_) facts_ = std::make_unique<Facts>();
    return *facts_;
}

/// DATA, BDAT, BURL and the end of data.
void Session::content_command(Transaction& t, const smtp::Request& request) {
    if (request.verb != Verb::end_of_data && options().mail_transaction_validation && !state.trans_rcpt_to_seen)
        invalid_transaction("data missing rcpt to");
    t.content.fetched |= request.verb == Verb::burl;
    if (!request.final) return;
    state.trans_mail_from_seen = state.trans_rcpt_to_seen = false;
    t.content.last_sent = true;
    t.content.ended = request.verb == Verb::end_of_data || request.verb == Verb::burl;
}

void Session::invalid_transaction(std::string_view what) {
    weird("smtp_mail_transaction_invalid", what, smtp::smtp_source);
    const std::uint64_t limit = options().max_invalid_mail_transactions;
    if (++state.invalid_transactions <= limit || limit == 0) return;
    weird("smtp_excessive_invalid_mail_transactions",
          std::to_string(state.invalid_transactions) + " > " + std::to_string(limit), smtp::smtp_source);
    disposition_ = Disposition::invalid_transactions;
}

// ---- losses, TLS

void Session::smtp_commands_lost() {
    // Commands that may have been lost are not reported as missing.
    state.trans_mail_from_seen = state.trans_rcpt_to_seen = next_.commands_lost = true;
    if (Transaction* const t = transactions_.newest(); t && t->active) {
        lost_its_end(*t);
        write(*t);
        transactions_.remove(*t);
        next_.begin = now;
    }
    note_command(lost);
}

void Session::smtp_data_command_lost() {
    current().missing.commands = true;
}

void Session::tls_handshake(const SslInfo& ssl) {
    facts().tls_version = ssl.version;
    tell(ssl);
}

void Session::smtp_starttls() {
    Transaction& t = current();
    t.info.tls = t.active = true;
    disposition_ = Disposition::tls;
}

void Session::smtp_smuggled(std::string_view how) {
    notices().smuggled(id, uid(), now, how);
}

// ---- content

void Session::smtp_begin_data() {
    Transaction& t = transactions_.back();
    t.begin_content();
    fates_.begin_message(t.tag);
    message_.tag = t.tag;
    message_.content = std::make_unique<Content>(static_cast<Scope&>(*this), client_ == Side::orig);
}

/// The message that the next content belongs to.
Content& Session::content() {
    if (!message_.content->begun())
        if (Transaction* t = transactions_.find(message_.tag)) {
            t->content.seen = true;
            // A message that was seen gets a record, whatever is known of its envelope.
            t->active |= t->missing.commands;
        }
    return *message_.content;
}

void Session::smtp_data(std::string_view line, bool crlf) {
    content().line(line, crlf);
}

void Session::smtp_data_lines(std::string_view lines) {
    content().lines(lines);
}

void Session::smtp_data_gap(std::uint64_t length) {
    message_.content->gap(length);
    // The size of a chunk is known: bytes lost after the last one belong to commands.
    const Transaction* t = transactions_.find(message_.tag);
    if (!t || !t->content.last_sent || t->missing.client <= length) return;
    next_.missed += t->missing.client - length;
    note_command(lost);
}

void Session::smtp_end_data(bool sized) {
    Transaction* t = transactions_.find(message_.tag);
    // Bytes that a verdict left out are counted until the reply to the message comes.
    message_.content->done(sized || (t && t->content.ignored));
    message_ = {};
    if (!t || !t->content.last_sent) return;
    t->content.ended = true;
    if (t->content.answered) complete(*t);
}

void Session::flush() {
    if (message_.content) message_.content->flush();
}

// ---- replies

void Session::smtp_reply(const smtp::Reply& reply) {
    server_seen_ = true;
    note_activity();
    Transaction* t = reply.tag != 0 ? transactions_.find(reply.tag) : nullptr;
    // The outcome of a transaction that was aborted is already known.
    if (!t && (!reply.to_lost_command || !transactions_.newest() || transactions_.newest()->envelope.standing))
        t = transactions_.newest();
    // The reply is complete only with its last line, but one that is cut off says something too.
    std::string& text = t ? t->info.last_reply.emplace() : next_.reply;
    text = std::to_string(reply.code);
    text += ' ';
    text += reply.text;
    session_answered(reply);
    if (!reply.more && t) answered(*t, reply);
}

/// What a reply says about the session, whatever transaction is open.
void Session::session_answered(const smtp::Reply& reply) {
    if (reply.code >= 400) notices().reply(id, uid(), now, reply.code, reply.text);
    switch (reply.verb) {
        case Verb::ehlo:
        case Verb::lhlo:
            if (reply.code == 250) offer_.line(reply, *context->extensions);
            break;
        case Verb::auth:
        case Verb::auth_answer:
            if (facts_ && facts_->login.answered(reply)) notices().failed_auth(id, uid(), now);
            break;
        case Verb::xclient:
            if (reply.code < 300) offer_.forget();  // the session begins again
            break;
        case Verb::turn:
            if (reply.code == 250 && !reply.more) client_ = opposite(client_);
            break;
        default:
            break;
    }
}

void Session::recipient_answered(Transaction& t, const smtp::Reply& reply) {
    Transaction::Recipients& recipients = t.recipients;
    if (recipients.unanswered.empty()) return;
    std::string address = recipients.unanswered.pop();
    if (address.empty()) return;  // a command without an address
    if (reply.code == 0 || reply.doubtful) recipients.due_known = false;
    if (reply.code < 400) {
        if (lmtp_) recipients.due.push(std::move(address));
        return;
    }
    notices().rejected_recipient(id, uid(), now);
    if (!reply.doubtful) reject(t, address, reply);
}

/// LMTP's replies to a message, one for each recipient that was accepted (RFC 2033, 4.2).
void Session::delivery_answered(Transaction& t, const smtp::Reply& reply) {
    const bool of_message = reply.verb == Verb::end_of_data || (reply.verb == Verb::bdat && t.content.last_sent);
    if (!of_message || t.recipients.due.empty()) return;
    const std::string address = t.recipients.due.pop();
    if (reply.doubtful) t.recipients.due_known = false;
    if (t.recipients.due_known && reply.code >= 400) reject(t, address, reply);
}

void Session::reject(Transaction& t, const std::string& address, const smtp::Reply& reply) {
    if (!t.reject(address, reply, wants(ExtraField::rejected_rcptto)))
        weird("smtp_too_many_rejected_rcptto", {}, smtp::smtp_source);
}

void Session::answered(Transaction& t, const smtp::Reply& reply) {
    const bool accepted = reply.code < 300;
    switch (reply.verb) {
        case Verb::mail:
            if (reply.code >= 400 && !reply.doubtful) t.mail_rejection = rejection_of(reply);
            mail_answered(t, reply.code);
            break;
        case Verb::rcpt:
            if (reply.tag == t.tag) recipient_answered(t, reply);
            break;
        case Verb::data:
            t.content_answered(reply);
            break;
        case Verb::rset:
        case Verb::ehlo:
        case Verb::helo:
        case Verb::lhlo:
        case Verb::xclient:
            if (accepted) t.envelope.standing = false;
            t.envelope.aborted |= accepted;
            break;
        case Verb::quit:
            t.envelope.aborted = true;
            break;
        default:
            if (reply.verb == Verb::bdat) t.content_answered(reply);
            if (lmtp_) delivery_answered(t, reply);
            if (!reply.final || reply.tag == 0) break;
            t.content.answered = true;
            if (t.first_command > Timestamp{} && wants(ExtraField::duration)) t.info.duration = now - t.first_command;
            if (t.content.ended || message_.tag != t.tag) complete(t);
            break;
    }
}

void Session::smtp_reply_lost(Tag tag, Verb verb, bool final) {
    Transaction* t = transactions_.find(tag);
    if (!t) return;
    if (verb == Verb::mail)
        mail_answered(*t, 0);
    else if (verb == Verb::rcpt)
        recipient_answered(*t, {});
    else if (final) {
        lost_its_end(*t);
        complete(*t);
    }
}

/// `code` 0: not known.
void Session::mail_answered(Transaction& t, std::uint16_t code) {
    Transaction* before = transactions_.superseded();
    if (before == &t) before = nullptr;
    const bool stands = code >= 400 && before && before->envelope.standing;
    t.envelope.standing = stands || (code != 0 && code < 300);
    if (!before) return;
    if (stands && !before->content.refused) {
        state.trans_rcpt_to_seen |= before->info.rcptto.has_value();
        t.absorb(*before);
        fates_.merge(before->tag, t.tag);
        return transactions_.remove(*before);
    }
    // After its content was refused the client began again: two attempts, with the sender that the server knows.
    if (stands) {
        t.info.mailfrom = before->info.mailfrom;
        t.info.null_sender = before->info.null_sender;
        t.mail_rejection.reset();
    }
    before->envelope.aborted |= t.envelope.standing && !stands && !before->missing.bytes;
    write(*before);
    transactions_.remove(*before);
}

/// The connection was closed before its transactions were over; if bytes are missing, their end may be among those.
void Session::note_hanging_up() {
    if (!server_seen_) return;
    for (const auto& t : transactions_) t->envelope.aborted |= !t->missing.bytes;
}

}  // namespace smtpscope::records
