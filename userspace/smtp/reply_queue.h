// SPDX-License-Identifier: BSD-3-Clause
// The commands that have no reply yet, and which of them a reply is to.
//
// A reply belongs to the oldest command that has none (RFC 2920, 3.1). Where bytes were lost, commands that it cannot
// answer are dropped first. What the replies say about the transaction is in the envelope.
#pragma once

#include <cstdint>
#include <vector>

#include "smtp/envelope.h"
#include "smtp/protocol.h"
#include "smtpscope/options.h"

namespace smtpscope::smtp {

class ReplyQueue {
  public:
    struct Pending {
        Verb verb;
        bool final : 1;
        bool doubtful : 1;    ///< an end of data that not all servers take for one
        bool before_gap : 1;  ///< bytes of the server were lost since; the reply may have been among them
        bool behind_gap : 1;  ///< commands before it may have been lost that were not answered when it was sent
        Tag tag;
    };

    /// Both outlive the queue. The server's greeting is due.
    ReplyQueue(const Limits& limits, Handler& handler);

    /// Announces the request, and waits for its reply, if the session is to be followed.
    Disposition push(const Request& request, bool doubtful = false);

    /// Between begin_reply() and finish_reply(): the request that the reply is to; `unknown` and without a tag if it
    /// answers none of them.
    const Pending& answered() const { return answered_; }
    /// Inside a reply, after its first line.
    bool continues() const { return continues_; }
    /// `commands_lost`: some may have been. False if the reply answers none of the known ones.
    bool begin_reply(std::uint16_t code, std::string_view text, bool commands_lost);
    /// After each line of it; `more`: another one follows.
    void note_line(bool more) { continues_ = more; }
    void finish_reply(std::uint16_t code);

    bool empty() const { return head_ == pending_.size(); }
    bool has(Verb verb) const;
    /// The newest one is `verb`, and bytes of the server were lost since.
    bool lost_reply_to(Verb verb) const { return !empty() && last().before_gap && last().verb == verb; }

    /// Bytes of the server are lost.
    void gap();
    /// The reply to the oldest one was lost, or will never come.
    void lose_front();
    void lose_all();
    /// The client has continued: commands that had no reply when bytes of the server were lost were answered in those
    /// bytes.
    void lose_before_gap();
    /// Where the next one will be, for doubt_since().
    std::size_t mark() const { return pending_.size(); }
    /// Commands before those that were pushed since `mark` may have been lost.
    void doubt_since(std::size_t mark);

    Envelope& envelope() { return envelope_; }
    const Envelope& envelope() const { return envelope_; }

  private:
    Pending& front() { return pending_[head_]; }
    const Pending& last() const { return pending_.back(); }
    void align(std::uint16_t code, std::string_view text, bool commands_lost);
    void pop();

    const Limits* limits_;
    Handler* handler_;
    std::vector<Pending> pending_;  ///< from head_ on
    Pending answered_{};
    Envelope envelope_;
    std::uint32_t head_ = 0;
    std::uint32_t lmtp_due_ = 0;  ///< replies that are still due for the message being answered
    bool lmtp_ = false;           ///< LHLO was accepted: one reply for each recipient ends a message
    bool gap_ = false;            ///< replies may have been lost
    bool continues_ = false;
};

}  // namespace smtpscope::smtp
