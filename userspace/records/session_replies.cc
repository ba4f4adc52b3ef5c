// SPDX-License-Identifier: BSD-3-Clause
// What the server's replies make of a session and its transactions.
#include <algorithm>
#include <utility>

#include "records/notices.h"
#include "records/reply.h"
#include "records/session.h"

namespace smtpscope::records {

using smtp::Tag;
using smtp::Verb;

namespace {

constexpr std::size_t max_rejected = 1000;           // as many as a transaction's recipients by default
constexpr std::size_t max_rejected_bytes = 1 << 18;  // of all of them together
constexpr std::size_t max_extensions_length = 1024;  // bytes; servers offer a dozen or two

Rejection rejection_of(std::uint64_t code, std::string_view text) {
    return {code, std::string(enhanced_status(text).value_or(std::string_view()))};
}
Rejection rejection_of(const smtp::Reply& reply) {
    return rejection_of(reply.code, reply.text);
}

bool none_accepted(const Info& rec) {
    return rec.recipients > 0 && rec.rejected_recipients >= rec.recipients;
}

}  // namespace

void Session::smtp_reply(const smtp::Reply& reply) {
    server_seen_ = true;
    note_activity();
    Transaction* t = reply.tag != 0 ? find(reply.tag) : nullptr;
    // What became of a transaction that was given up is known.
    if (!t && (!reply.to_lost_command || !newest() || newest()->standing)) t = newest();
    // Kept whole only at its last line, but a reply that is cut off says something too.
    std::string& text = t ? t->info.last_reply.emplace() : early_reply_;
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
            if (reply.code == 250) offer(reply);
            break;
        case Verb::auth:
        case Verb::auth_answer:
            if (!facts_ || !facts_->auth_begun || reply.more || reply.code == 334) break;
            facts_->auth_success = reply.code < 300;
            if (reply.doubtful) facts_->auth_success.reset();
            if (reply.code == 535) notices().failed_auth(id, uid(), now);
            break;
        case Verb::xclient:
            if (reply.code < 300) extensions_.reset();  // the session begins anew
            break;
        case Verb::turn:
            if (reply.code == 250 && !reply.more) from_originator_ = !from_originator_;
            break;
        default:
            break;
    }
}

/// A line of the reply to EHLO; the first one names the server.
void Session::offer(const smtp::Reply& reply) {
    if (reply.doubtful) {
        extensions_.reset();
        return;
    }
    if (!std::exchange(offering_, reply.more)) return;
    const std::string keyword = extension_keyword(reply.text);
    std::string all = extensions_ ? *extensions_ : std::string();
    if (!keyword.empty() && all.size() + keyword.size() <= max_extensions_length) {
        if (!all.empty()) all += ' ';
        all += keyword;
    }
    if (!all.empty())
        extensions_ = reply.more ? std::make_shared<const std::string>(std::move(all)) : (*context->extensions)(all);
}

void Session::recipient_answered(Transaction& t, const smtp::Reply& reply) {
    if (t.recipients_head == t.recipients.size()) return;
    std::string address = std::move(t.recipients[t.recipients_head++]);
    if (t.recipients_head == t.recipients.size()) {
        t.recipients.clear();
        t.recipients_head = 0;
    }
    if (address.empty()) return;  // a command that named nobody
    if (reply.code == 0 || reply.doubtful) t.accepted_known = false;
    if (reply.code < 400) {
        if (lmtp_) t.accepted.push_back(std::move(address));
        return;
    }
    notices().rejected_recipient(id, uid(), now);
    if (!reply.doubtful) reject(t, address, reply);
}

/// LMTP's replies to a message, one for each recipient that was accepted (RFC 2033, 4.2).
void Session::delivery_answered(Transaction& t, const smtp::Reply& reply) {
    const bool of_message = reply.verb == Verb::end_of_data || (reply.verb == Verb::bdat && t.last_sent);
    if (!of_message || t.accepted_head == t.accepted.size()) return;
    const std::string address = std::move(t.accepted[t.accepted_head++]);
    if (reply.doubtful) t.accepted_known = false;
    if (t.accepted_known && reply.code >= 400) reject(t, address, reply);
}

void Session::reject(Transaction& t, const std::string& address, const smtp::Reply& reply) {
    ++t.info.rejected_recipients;
    t.recipient_rejection = rejection_of(reply);
    if (!wants(ExtraField::rejected_rcptto)) return;
    std::string entry = address + ": " + std::to_string(reply.code) + " ";
    entry += reply.text;
    if (t.info.rejected_rcptto.size() >= max_rejected || t.rejected_bytes + entry.size() > max_rejected_bytes)
        return weird("smtp_too_many_rejected_rcptto", {}, smtp_source);
    t.rejected_bytes += entry.size();
    t.info.rejected_rcptto.push_back(std::move(entry));
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
            content_answered(t, reply);
            break;
        case Verb::rset:
        case Verb::ehlo:
        case Verb::helo:
        case Verb::lhlo:
        case Verb::xclient:
            if (accepted) t.standing = false;
            t.aborted |= accepted;
            break;
        case Verb::quit:
            t.aborted = true;
            break;
        default:
            if (reply.verb == Verb::bdat) content_answered(t, reply);
            if (lmtp_) delivery_answered(t, reply);
            if (!reply.final || reply.tag == 0) break;
            t.answered = true;
            if (t.first_command > Timestamp{} && wants(ExtraField::duration)) t.info.duration = now - t.first_command;
            if (t.content_ended || message_tag_ != t.tag) complete(t);
            break;
    }
}

void Session::smtp_reply_lost(Tag tag, Verb verb, bool final) {
    Transaction* t = find(tag);
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
    const auto it =
        std::find_if(transactions_.begin(), transactions_.end(), [](const auto& x) { return x->superseded; });
    Transaction* before = it == transactions_.end() ? nullptr : it->get();
    if (before == &t) before = nullptr;
    const bool stands = code >= 400 && before && before->standing;
    t.standing = stands || (code != 0 && code < 300);
    if (stands && !before->content_refused) return absorb(t, *before);
    if (!before) return;
    // After its content was refused the client began once more: two attempts, with the sender that the server has.
    if (stands) {
        t.info.mailfrom = before->info.mailfrom;
        t.info.null_sender = before->info.null_sender;
        t.mail_rejection = {};
    }
    before->aborted |= t.standing && !stands && !before->bytes_missed;
    write(*before);
    remove(*before);
}

void Session::content_answered(Transaction& t, const smtp::Reply& reply) {
    if (reply.code < 300)
        t.content_accepted = true;
    else if (reply.code >= 400 && !t.content_accepted)
        t.content_refused = true;
    if (reply.doubtful) return;
    // That there is nobody to send it to says less than why (RFC 2920, 3.1).
    if (reply.code < 400)
        t.mail_rejection = {};
    else if (!none_accepted(t.info))
        t.mail_rejection = rejection_of(reply);
}

/// What the server has said of the mail as a whole.
void Session::judge(Transaction& t) {
    Info& rec = t.info;
    const bool decided = t.answered || t.mail_rejection.code != 0 || none_accepted(rec);
    rec.aborted = t.aborted && !decided;
    rec.refused_whole = t.mail_rejection.code != 0;
    rec.rejection = rec.refused_whole ? t.mail_rejection : t.recipient_rejection;
    if (!rec.last_reply) return;
    const std::string_view text = std::string_view(*rec.last_reply).substr(4);
    const Rejection last = rejection_of(std::stoul(*rec.last_reply), text);
    if (t.answered) {
        rec.refused_whole = last.code >= 400 && !lmtp_;  // there each reply is about one recipient
        rec.rejection = last.code >= 400 ? last : t.recipient_rejection;
    }
    const bool refused = !t.answered && rec.rejection.code != 0 && (decided || t.aborted);
    const Rejection& verdict = refused ? rec.rejection : last;
    if (wants(ExtraField::reply_code)) rec.reply_code = verdict.code;
    if (wants(ExtraField::enhanced_status) && !verdict.status.empty()) rec.enhanced_status = verdict.status;
    if (t.answered && last.code < 300 && wants(ExtraField::queue_id))
        if (const auto queued = queue_id(text)) rec.queue_id = *queued;
}

/// The connection was closed before its transactions were over; where bytes are missing, their end may be among them.
void Session::note_hanging_up() {
    if (!server_seen_) return;
    for (const auto& t : transactions_) t->aborted |= !t->bytes_missed;
}

/// A refused MAIL has no effect: what was commanded since belongs to the transaction that stood before.
void Session::absorb(Transaction& refused, Transaction& standing) {
    Info& rec = refused.info;
    Info& old = standing.info;
    rec.ts = old.ts;
    rec.mailfrom = std::move(old.mailfrom);
    rec.trans_depth = old.trans_depth;
    rec.rejected_rcptto = std::move(old.rejected_rcptto);
    rec.missed_bytes = old.missed_bytes;  // those that were lost since are among them
    rec.recipients += old.recipients;
    rec.rejected_recipients += old.rejected_recipients;
    rec.null_sender = old.null_sender;
    refused.bytes_missed |= standing.bytes_missed;
    refused.mail_rejection = standing.mail_rejection;
    if (refused.recipient_rejection.code == 0) refused.recipient_rejection = standing.recipient_rejection;
    refused.first_command = standing.first_command;
    refused.accepted = std::move(standing.accepted);
    refused.accepted_known = standing.accepted_known;
    refused.rejected_bytes = standing.rejected_bytes;
    if (old.rcptto) {
        if (rec.rcptto)
            for (const std::string& address : *rec.rcptto) old.rcptto->insert(address);
        rec.rcptto = std::move(old.rcptto);
        state.trans_rcpt_to_seen = true;
    }
    if (message_mail_ == standing.tag) message_mail_ = refused.tag;
    if (companions_) companions_->merge(standing.tag, refused.tag);
    remove(standing);
}

}  // namespace smtpscope::records
