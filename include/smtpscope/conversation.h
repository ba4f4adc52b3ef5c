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
/// It belongs to the engine that opened it: use it in the engine's thread, destroy it before the engine, and do not
/// call it from a sink or a hook. Time never goes back: an earlier `ts` counts as the latest so far, as with packets.
///
/// data(), gap() and end() return whether anything more is to be learned from the connection. Once the result is not
/// `follow`, it stays so and nothing more is analyzed; further calls are not needed.
class Conversation {
  public:
    /// Without finish() before, open transactions leave no record.
    virtual ~Conversation() = default;

    /// The next bytes of `from`, any number of them; valid during the call.
    virtual Disposition data(Side from, std::string_view bytes, Timestamp ts) = 0;
    /// `length` bytes of `from` are missing here. 0: an unknown number; this is for a connection that is joined late,
    /// before the first byte of `from`, and has no effect later.
    virtual Disposition gap(Side from, std::uint64_t length, Timestamp ts) = 0;
    /// `from` sends no more. What comes from it after that is ignored.
    virtual Disposition end(Side from, Timestamp ts) = 0;
    /// Whose socket on this host `from` is, before its first byte: for process_user and similar fields.
    virtual void sent_by(Side from, const Sender& sender) = 0;
    /// The connection is over: writes what is open. Every call after that does nothing.
    virtual void finish(Timestamp ts, Ending why = Ending::closed) = 0;
};

}  // namespace smtpscope
