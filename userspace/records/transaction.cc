// SPDX-License-Identifier: BSD-3-Clause
#include "records/transaction.h"

#include <algorithm>
#include <utility>

#include "records/reply.h"

namespace smtpscope::records {

namespace {

constexpr std::size_t max_rejected = 1000;             // as many as a transaction's recipients by default
constexpr std::uint32_t max_rejected_bytes = 1 << 18;  // of all of them together

Rejection rejection_of(std::uint64_t code, std::string_view text) {
    return {code, std::string(enhanced_status(text).value_or(std::string_view()))};
}

Rejection value_of(const std::unique_ptr<Rejection>& rejection) {
    return rejection ? *rejection : Rejection();
}

bool none_accepted(const Info& rec) {
    return rec.recipients > 0 && rec.rejected_recipients >= rec.recipients;
}

}  // namespace

std::unique_ptr<Rejection> rejection_of(const smtp::Reply& reply) {
    return std::make_unique<Rejection>(rejection_of(reply.code, reply.text));
}

std::string AddressQueue::pop() {
    std::string address = std::move(all_[head_++]);
    if (empty()) {
        all_.clear();
        head_ = 0;
    }
    return address;
}

void Transaction::begin_content() {
    if (!content.seen || content.refused) {
        entities = 0;
        info.message_bytes.reset();
    }
    content.seen = content.refused = false;
}

void Transaction::content_answered(const smtp::Reply& reply) {
    if (reply.code < 300)
        content.accepted = true;
    else if (reply.code >= 400 && !content.accepted)
        content.refused = true;
    if (reply.doubtful) return;
    // That no recipient is left says less than why they were refused (RFC 2920, 3.1).
    if (reply.code < 400)
        mail_rejection.reset();
    else if (!none_accepted(info))
        mail_rejection = rejection_of(reply);
}

bool Transaction::reject(const std::string& address, const smtp::Reply& reply, bool listed) {
    ++info.rejected_recipients;
    recipient_rejection = rejection_of(reply);
    if (!listed) return true;
    std::string entry = address + ": " + std::to_string(reply.code) + " ";
    entry += reply.text;
    if (info.rejected_rcptto.size() >= max_rejected || recipients.rejected_bytes + entry.size() > max_rejected_bytes)
        return false;
    recipients.rejected_bytes += static_cast<std::uint32_t>(entry.size());
    info.rejected_rcptto.push_back(std::move(entry));
    return true;
}

void Transaction::judge(const ExtraFields& wanted, bool lmtp) {
    const bool answered = content.answered;
    const bool decided = answered || mail_rejection || none_accepted(info);
    info.aborted = envelope.aborted && !decided;
    info.refused_whole = mail_rejection != nullptr;
    info.rejection = value_of(mail_rejection ? mail_rejection : recipient_rejection);
    if (!info.last_reply) return;
    const std::string_view text = std::string_view(*info.last_reply).substr(4);
    const Rejection last = rejection_of(std::stoul(*info.last_reply), text);
    if (answered) {
        info.refused_whole = last.code >= 400 && !lmtp;
        info.rejection = last.code >= 400 ? last : value_of(recipient_rejection);
    }
    const bool refused = !answered && info.rejection.code != 0 && (decided || envelope.aborted);
    const Rejection& verdict = refused ? info.rejection : last;
    if (wanted.contains(ExtraField::reply_code)) info.reply_code = verdict.code;
    if (wanted.contains(ExtraField::enhanced_status) && !verdict.status.empty()) info.enhanced_status = verdict.status;
    if (answered && last.code < 300 && wanted.contains(ExtraField::queue_id))
        if (const auto queued = queue_id(text)) info.queue_id = *queued;
}

void Transaction::absorb(Transaction& standing) {
    Info& old = standing.info;
    info.ts = old.ts;
    info.mailfrom = std::move(old.mailfrom);
    info.trans_depth = old.trans_depth;
    info.rejected_rcptto = std::move(old.rejected_rcptto);
    info.missed_bytes = old.missed_bytes;  // bytes lost since then are included
    info.recipients += old.recipients;
    info.rejected_recipients += old.rejected_recipients;
    info.null_sender = old.null_sender;
    if (old.rcptto) {
        if (info.rcptto)
            for (const std::string& address : *info.rcptto) old.rcptto->insert(address);
        info.rcptto = std::move(old.rcptto);
    }
    first_command = standing.first_command;
    missing.bytes |= standing.missing.bytes;
    mail_rejection = std::move(standing.mail_rejection);
    if (!recipient_rejection) recipient_rejection = std::move(standing.recipient_rejection);
    recipients.due = std::move(standing.recipients.due);
    recipients.due_known = standing.recipients.due_known;
    recipients.rejected_bytes = standing.recipients.rejected_bytes;
}

// ---- the open ones

void Transactions::remove(const Transaction& t) {
    std::erase_if(open_, [&](const auto& x) { return x.get() == &t; });
}

Transaction* Transactions::find(smtp::Tag tag) {
    const auto it = std::find_if(open_.begin(), open_.end(), [tag](const auto& t) { return t->tag == tag; });
    return it == open_.end() ? nullptr : it->get();
}

Transaction* Transactions::superseded() {
    const auto it = std::find_if(open_.begin(), open_.end(), [](const auto& t) { return t->envelope.superseded; });
    return it == open_.end() ? nullptr : it->get();
}

std::uint64_t Transactions::waiting() const {
    return static_cast<std::uint64_t>(
        std::count_if(open_.begin(), open_.end(), [](const auto& t) { return t->content.last_sent; }));
}

std::vector<smtp::Tag> Transactions::tags() const {
    std::vector<smtp::Tag> all;
    for (const auto& t : open_) all.push_back(t->tag);
    return all;
}

}  // namespace smtpscope::records
