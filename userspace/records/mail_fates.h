// SPDX-License-Identifier: BSD-3-Clause
// Which mail a record of another stream belongs to, and what happens to it.
//
// A file belongs to the transaction of its message; everything else to the transactions that are open when it is seen,
// or to the session if none is open. The session is kept as soon as one of its mails is.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "records/companions.h"
#include "records/record.h"
#include "records/scope.h"
#include "records/transaction.h"
#include "smtp/protocol.h"
#include "smtpscope/content.h"

namespace smtpscope::records {

class MailFates {
  public:
    /// A message of this transaction begins.
    void begin_message(smtp::Tag mail);
    /// `open`: the tags of the open transactions. `in_message`: content is being received.
    void hold(Scope& scope, Record&& record, ContentSink::Handle content, std::vector<smtp::Tag> open, bool in_message);
    /// What belonged to `from` now belongs to `into`.
    void merge(smtp::Tag from, smtp::Tag into);
    /// The fate of the transaction decides about what belongs to it.
    void settle(const Transaction& t, Fate fate);
    /// A policy for mails does not apply to a session without any mail.
    void settle_session();

  private:
    std::unique_ptr<Companions> companions_;  ///< nullptr as long as none of them had to wait
    smtp::Tag message_ = 0;                   ///< the transaction of the newest message
    std::optional<Fate> message_fate_;        ///< if that is decided
    Fate session_fate_ = Fate::unknown;       ///< kept if one of its mails was; otherwise dropped if one was
};

}  // namespace smtpscope::records
