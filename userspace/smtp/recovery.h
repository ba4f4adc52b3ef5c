// SPDX-License-Identifier: BSD-3-Clause
// What a loss makes uncertain, and how the behavior of both ends makes it certain again: a client that waited for
// replies has received them, and a server does not speak during a message.
//
// It remembers and draws conclusions; its callers act on them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/envelope.h"
#include "smtp/line_reader.h"
#include "smtp/protocol.h"

namespace smtpscope::smtp {

class Recovery {
  public:
    using Lines = std::vector<std::string>;

    /// It is unknown what the client's lines are.
    bool is_under_way() const { return loss_ && loss_->lines_unknown; }
    /// Bytes of the client were lost, so that commands may have been.
    bool commands_lost() const { return loss_ != nullptr; }
    /// Bytes of the server were lost since the last reply that was read.
    bool reply_lost() const { return reply_lost_; }
    /// The server's side is in the capture.
    bool server_speaks() const { return server_speaks_; }
    /// A new transaction may have begun among the client's lines.
    bool may_be_new_transaction() const { return loss_ && loss_->unclassified; }
    /// STARTTLS and its reply may be in the lost bytes, so that this side may begin a handshake.
    bool may_go_over_to_tls(bool client) const;

    // ---- the client's stream
    void client_gap();
    /// The gap was between commands, with `length` bytes; 0: an unknown number. `in_chunk`: they came after lost octets
    /// of a chunk, and were reported with them.
    void begin(std::uint64_t length, bool in_chunk);
    /// The end of a message was lost: what follows may be anything.
    void begin_behind_message();
    static bool may_be_command(const Line& line);
    /// Remembers a line that may be a command: it is one if the server answers next.
    void note_line(const Line& line);
    /// What comes before a BDAT command inside a line.
    void note_octets(std::string_view octets);

    // ---- the server's stream
    void server_gap();
    /// A line of a reply.
    void note_server() { server_speaks_ = true; }
    /// A reply to none of the commands that are known.
    void note_unexplained_reply();
    /// A reply that may answer a lost command; `verb`: the command that it seems to answer.
    void note_doubtful_reply(Verb verb, std::uint16_t code);
    void note_reply_read() { reply_lost_ = false; }

    // ---- the way back
    /// The verb of the first remembered line; `unknown` if there are none.
    Verb first_command() const;
    Lines take_lines();
    void forget_lines();
    /// Octets of chunks that were lost with their commands, or that were taken for lines because the commands were
    /// lost.
    std::optional<std::uint64_t> take_lost_chunks();
    void end();
    /// The lines since the gap were commands, of which `next` is the first. `code`: of the reply that shows it; 0:
    /// none. `in_bdat`: in a message that comes by BDAT. True if no transaction has begun since the gap, as far as is
    /// known.
    bool end_before(Verb next, std::uint16_t code, bool in_bdat, const Envelope& envelope);
    /// A message comes whose DATA was lost. True if it belongs to the known transaction.
    bool end_before_lost_data(const Envelope& envelope);

  private:
    /// What is kept since bytes of the client were lost.
    struct Loss {
        Lines lines;                ///< the last ones from the client, as long as they look like commands
        std::uint64_t octets = 0;   ///< since the message's last chunk, without a known command
        std::uint32_t replies = 0;  ///< to unknown commands, since the client's last gap
        bool replies_lost = false;  ///< some since then were
        bool lines_unknown = false;
        bool unclassified = false;   ///< and a new transaction may have begun among them
        bool ready_for_tls = false;  ///< and STARTTLS among them: the server said 220, or that was lost too
    };

    /// The envelope is still that of `next`, because there were so few replies.
    bool stands(Verb next, std::uint32_t replies, const Envelope& envelope) const;

    std::unique_ptr<Loss> loss_;  ///< nullptr as long as no command of the client was lost
    bool reply_lost_ = false;
    bool server_speaks_ = false;
};

}  // namespace smtpscope::smtp
