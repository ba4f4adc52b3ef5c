// SPDX-License-Identifier: BSD-3-Clause
// Which mail a record of another stream belongs to, and what becomes of it.
//
// A file belongs to the transaction of its message; everything else to the transactions that are open when it is seen,
// and between them to the session, which is kept as soon as one of its mails is.
#include <utility>

#include "records/notices.h"
#include "records/session.h"

namespace smtpscope::records {

using smtp::Tag;

/// What they say comes back to this session.
Notices& Session::notices() {
    context->waiting->speak_of(this);
    return *context->notices;
}

void Session::hold(Record&& record, ContentSink::Handle content) {
    const bool file = std::holds_alternative<FileInfo>(record);
    // Content may outlive its transaction, of which the end was lost or the reply came early.
    if ((file || content_) && message_fate_ && *message_fate_ != Fate::kept) {
        const bool known = *message_fate_ == Fate::dropped;
        if (session_fate_ != Fate::kept) session_fate_ = Fate::dropped;
        return context->waiting->drop(record, content, *this,
                                      known ? &RecordStats::dropped_with_mail : &RecordStats::dropped_without_mail);
    }
    std::vector<Tag> mails;
    if (file && !message_fate_) {
        mails.push_back(message_mail_);
    } else if (!file) {
        for (const auto& t : transactions_) mails.push_back(t->tag);
        if (mails.empty() && content_ && !message_fate_) mails.push_back(message_mail_);
        if (mails.empty() && session_fate_ != Fate::kept) mails.push_back(Companions::session);
    }
    hold_for(std::move(record), content, std::move(mails));
}

void Session::hold_for(Record&& record, ContentSink::Handle content, std::vector<Tag> mails) {
    if (mails.empty()) return context->waiting->deliver(record, content);
    if (!companions_) companions_ = std::make_unique<Companions>(*context->waiting, static_cast<Scope&>(*this));
    companions_->add(std::move(record), content, std::move(mails));
}

/// What became of the transaction becomes of what belongs to it.
void Session::settle(const Transaction& t, Fate fate) {
    if (message_mail_ == t.tag) message_fate_ = fate;
    // Where no content was seen, what is odd about it is the session's.
    const bool nothing = fate == Fate::unknown && !t.content_seen && t.info.fuids.empty();
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

/// A session without any mail is nothing that a policy for mails is about.
void Session::settle_session() {
    if (!companions_) return;
    companions_->decide(Companions::session, session_fate_ == Fate::dropped ? Fate::dropped : Fate::kept);
    companions_.reset();
}

}  // namespace smtpscope::records
