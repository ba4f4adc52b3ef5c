// SPDX-License-Identifier: BSD-3-Clause
#include "records/mail_fates.h"

#include <utility>

namespace smtpscope::records {

using smtp::Tag;

void MailFates::begin_message(Tag mail) {
    message_ = mail;
    message_fate_.reset();
}

void MailFates::hold(Scope& scope, Record&& record, ContentSink::Handle content, std::vector<Tag> open,
                     bool in_message) {
    WaitingRoom& room = *scope.context->waiting;
    const bool file = std::holds_alternative<FileInfo>(record);
    // Content may outlive its transaction, if the end of that was lost or its reply came early.
    if ((file || in_message) && message_fate_ && *message_fate_ != Fate::kept) {
        const bool known = *message_fate_ == Fate::dropped;
        if (session_fate_ != Fate::kept) session_fate_ = Fate::dropped;
        return room.drop(record, content, scope,
                         known ? &RecordStats::dropped_with_mail : &RecordStats::dropped_without_mail);
    }
    std::vector<Tag> mails;
    if (file && !message_fate_) {
        mails.push_back(message_);
    } else if (!file) {
        mails = std::move(open);
        if (mails.empty() && in_message && !message_fate_) mails.push_back(message_);
        if (mails.empty() && session_fate_ != Fate::kept) mails.push_back(Companions::session);
    }
    if (mails.empty()) return room.deliver(record, content);
    if (!companions_) companions_ = std::make_unique<Companions>(room, scope);
    companions_->add(std::move(record), content, std::move(mails));
}

void MailFates::merge(Tag from, Tag into) {
    if (message_ == from) message_ = into;
    if (companions_) companions_->merge(from, into);
}

void MailFates::settle(const Transaction& t, Fate fate) {
    if (message_ == t.tag) message_fate_ = fate;
    // If no content was seen, what waits for it belongs to the session.
    const bool nothing = fate == Fate::unknown && !t.content.seen && t.info.fuids.empty();
    if (fate == Fate::kept)
        session_fate_ = Fate::kept;
    else if (session_fate_ != Fate::kept && !nothing)
        session_fate_ = Fate::dropped;
    if (!companions_) return;
    if (nothing)
        companions_->merge(t.tag, Companions::session);
    else
        companions_->decide(t.tag, fate);
    if (session_fate_ == Fate::kept) companions_->decide(Companions::session, Fate::kept);
}

void MailFates::settle_session() {
    if (!companions_) return;
    companions_->decide(Companions::session, session_fate_ == Fate::dropped ? Fate::dropped : Fate::kept);
    companions_.reset();
}

}  // namespace smtpscope::records
