// SPDX-License-Identifier: BSD-3-Clause
// One mail transaction on its way to a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "records/draft.h"
#include "smtp/protocol.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

/// Addresses that wait for their replies, the oldest first.
class AddressQueue {
  public:
    bool empty() const { return head_ == all_.size(); }
    void push(std::string address) { all_.push_back(std::move(address)); }
    std::string pop();

  private:
    std::vector<std::string> all_;
    std::uint32_t head_ = 0;
};

struct Transaction : Draft {
    /// The state of its MAIL among those of the session.
    struct Envelope {
        bool standing = false;    ///< the server accepted its MAIL, and nothing has ended it since
        bool superseded = false;  ///< a later MAIL was sent, and its reply decides
        bool aborted = false;     ///< by RSET, QUIT or their like, and the server agreed
    };
    struct Recipients {
        AddressQueue unanswered;           ///< of RCPT commands without a reply
        AddressQueue due;                  ///< LMTP: recipients whose reply to the message is due
        std::uint32_t rejected_bytes = 0;  ///< in info.rejected_rcptto
        bool due_known = true;             ///< no reply was lost that decides whom `due` holds
    };
    /// Its messages, usually one: what the client sent, and what the server replied.
    struct Content {
        bool last_sent = false;  ///< the end of data, or BDAT with LAST: no command after it belongs here
        bool ended = false;      ///< and all of the content was seen
        bool answered = false;   ///< the final reply was seen, which may come before the content's end
        bool seen = false;       ///< a line of a message
        bool accepted = false;   ///< a BDAT chunk was taken
        bool refused = false;    ///< DATA or BDAT was refused, and nothing accepted
        bool ignored = false;    ///< some of its content was not captured, on purpose
        bool fetched = false;    ///< the server itself fetched some of its content (BURL)
    };
    struct Missing {
        std::uint64_t client = 0;  ///< bytes of the client's last loss
        bool bytes = false;        ///< of either side, while it was open
        bool commands = false;     ///< some of its commands
        bool beginning = false;    ///< the capture of its connection began inside it
    };

    /// A message begins. It replaces one that was refused, and continues one that was accepted.
    void begin_content();
    /// The server's reply to DATA, or to a chunk.
    void content_answered(const smtp::Reply& reply);
    /// An `address` was refused. False if there is no room to list it.
    bool reject(const std::string& address, const smtp::Reply& reply, bool listed);
    /// Works out what the server has said about the mail as a whole. `lmtp`: each reply to a message is about one
    /// recipient.
    void judge(const ExtraFields& wanted, bool lmtp);
    /// Its MAIL was refused and has no effect: commands since then belong to the transaction before it.
    void absorb(Transaction& standing);

    Timestamp first_command{};
    smtp::Tag tag = 0;
    Envelope envelope;
    Recipients recipients;
    Content content;
    Missing missing;
    // nullptr: nothing was refused.
    std::unique_ptr<Rejection> mail_rejection;       ///< of MAIL or of the content
    std::unique_ptr<Rejection> recipient_rejection;  ///< of the last recipient that was refused
};

std::unique_ptr<Rejection> rejection_of(const smtp::Reply& reply);

/// The open ones of a session, the oldest first; commands go to the newest.
class Transactions {
  public:
    bool empty() const { return open_.empty(); }
    auto begin() const { return open_.begin(); }
    auto end() const { return open_.end(); }
    Transaction& back() { return *open_.back(); }

    Transaction& add() { return *open_.emplace_back(std::make_unique<Transaction>()); }
    void remove(const Transaction& t);
    void clear() { open_.clear(); }

    /// The transaction with that tag; nullptr if it is not open any more.
    Transaction* find(smtp::Tag tag);
    /// The transaction that commands go to; nullptr between transactions.
    Transaction* newest() { return empty() || back().content.last_sent ? nullptr : &back(); }
    /// The transaction whose end depends on the reply to a later MAIL; nullptr: none.
    Transaction* superseded();
    /// How many were sent and wait for their reply.
    std::uint64_t waiting() const;
    std::vector<smtp::Tag> tags() const;

  private:
    std::vector<std::unique_ptr<Transaction>> open_;
};

}  // namespace smtpscope::records
