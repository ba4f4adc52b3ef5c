// SPDX-License-Identifier: BSD-3-Clause
// One connection whose bytes come as streams, not as packets: from a proxy, a TLS library, a test.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtpscope/disposition.h"
#include "smtpscope/packet.h"
#include "smtpscope/records.h"
#include "smtpscope/side.h"
#include "smtpscope/time.h"

namespace smtpscope {

/// Both byte streams of one connection, in the order in which its ends acted: a reply comes after the command that it
/// answers. However the bytes are cut into calls, the records are the same.
///
/// It belongs to the engine that opened it: used in the engine's thread, gone before the engine is, and not called from
/// within a sink or a hook. Time never goes back: an earlier `ts` counts as the latest so far, here as with packets.
///
/// data(), gap() and end() answer whether anything more is to be learned from the connection. Once the answer is not
/// `follow` it stays, and nothing is looked at any more; the caller may save itself the calls.
class Conversation {
  public:
    /// Without finish() before it, what is open leaves no record.
    virtual ~Conversation() = default;

    /// The next bytes of `from`, any number of them; valid during the call.
    virtual Disposition data(Side from, std::string_view bytes, Timestamp ts) = 0;
    /// `length` bytes of `from`, which would have come here, are not known. 0: nobody knows how many, which can be said
    /// only before its first byte, where somebody joins a connection late; elsewhere it says nothing.
    virtual Disposition gap(Side from, std::uint64_t length, Timestamp ts) = 0;
    /// `from` sends no more. What it is said to send after that is not looked at.
    virtual Disposition end(Side from, Timestamp ts) = 0;
    /// Whose socket of this host `from` is, before its first byte: for process_user and the like.
    virtual void sent_by(Side from, const Sender& sender) = 0;
    /// The connection is over: writes what is open. Every call after that does nothing.
    virtual void finish(Timestamp ts, Ending why = Ending::closed) = 0;
};

}  // namespace smtpscope
