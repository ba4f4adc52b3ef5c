// SPDX-License-Identifier: BSD-3-Clause
// Both sides of a session: which command a reply is to, what follows from it, and the way back after a loss.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtp/client.h"
#include "smtp/line_reader.h"
#include "smtp/protocol.h"
#include "smtp/recovery.h"
#include "smtp/reply_queue.h"
#include "smtpscope/options.h"

namespace smtpscope::smtp {

class Dialogue {
  public:
    /// Both outlive the dialogue.
    Dialogue(const Limits& limits, Handler& handler)
        : handler_(&handler), queue_(limits, handler), client_(handler, queue_, recovery_) {}
    Dialogue(const Dialogue&) = delete;  // its parts know each other
    Dialogue& operator=(const Dialogue&) = delete;

    /// Says how to read the client's bytes, and takes chunks and plain content.
    Client& client() { return client_; }
    const Client& client() const { return client_; }

    void client_line(const Line& line);
    /// `length` bytes are lost, and with them the rest of a line. `torn`: what had come of that line; nullptr: nothing.
    /// `in_chunk`: they came after lost octets of a chunk.
    void client_gap(std::uint64_t length, const Line* torn, bool in_chunk);

    /// A reply that begins now answers the end of data, so a dot that is alone on its line is that end.
    bool awaits_end_of_data() const { return !queue_.continues() && client_.in_data() && queue_.empty(); }
    void server_line(const ReplyLine& line);
    void server_gap();

    /// A line begins like a handshake (RFC 8446, 5.1). True if it is one: the session switches to TLS.
    bool begin_tls(Side side);
    /// The connection is over: an open message ends here.
    void finish();

  private:
    void begin_reply(const ReplyLine& line);
    void finish_reply(const ReplyLine& reply);

    void collect(const Line& line);
    void recover_chunk(std::string_view before, std::string_view command);
    void recover(std::uint16_t code);
    void recover_end_of_data();
    void leave_recovery(Verb next, std::uint16_t code);
    void replay(const Recovery::Lines& commands);
    void lose_commands();
    void lose_end_of_data();
    void begin_lost_message();

    Handler* handler_;
    ReplyQueue queue_;
    Recovery recovery_;
    Client client_;
};

}  // namespace smtpscope::smtp
