// SPDX-License-Identifier: BSD-3-Clause
// What the client says: commands, AUTH answers and messages become requests, which wait for their replies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "smtp/auth.h"
#include "smtp/line_reader.h"
#include "smtp/message.h"
#include "smtp/protocol.h"
#include "smtp/recovery.h"
#include "smtp/reply_queue.h"

namespace smtpscope::smtp {

class Client {
  public:
    /// All of them outlive the client.
    Client(Handler& handler, ReplyQueue& queue, Recovery& recovery)
        : handler_(&handler), queue_(&queue), recovery_(&recovery) {}

    /// The side that is the client.
    Side side() const { return side_; }
    /// TURN: the sides swap their roles.
    void turn() { side_ = opposite(side_); }
    /// Whether anything more is wanted of the session.
    Disposition disposition() const { return disposition_; }
    bool follows() const { return disposition_ == Disposition::follow; }
    void go_over_to_tls();

    void line(const Line& line);
    void command(const Line& line);
    /// A BDAT command whose octets have already passed.
    void past_chunk(const Command& bdat);
    /// The next line is a command.
    void expect_commands() { mode_ = Mode::commands; }
    bool between_messages() const { return mode_ == Mode::commands && !message_; }
    /// It has begun to wait for replies.
    void note_reply() { doubtful_end_.reset(); }
    /// A reply to AUTH, or to one of its answers. `waits`: the client has not sent its next answer yet.
    void auth_answered(std::uint16_t code, std::string_view text, bool waits);

    /// The message being received; nullptr between messages.
    Message* message() { return message_.get(); }
    void begin_message(Message::Kind kind);
    /// Lines between DATA and its dot are due.
    bool in_data() const { return follows() && message_ && message_->kind() == Message::Kind::lines; }
    /// The next lines are only content, with nothing to decide, unless they begin with a dot.
    bool in_plain_data() const { return in_data() && message_->has_begun() && !recovery_->commands_lost(); }
    void end_message();
    /// The connection is over.
    void cut_off_message();
    /// `doubtful`: not all servers take it for an end.
    void end_of_data(bool doubtful);

    bool in_bdat() const { return message_ && message_->kind() == Message::Kind::chunks; }
    bool in_chunk() const { return message_ && message_->chunk_is_due(); }
    /// Takes the octets of the chunk from the front of `bytes`.
    void chunk(std::string_view& bytes);
    /// As Message::lose_in_chunk().
    std::uint64_t lose_in_chunk(std::uint64_t length);
    void report_lost_chunks();
    void end_bdat();

  private:
    enum class Mode : std::uint8_t {
        commands,  ///< and messages
        auth,      ///< the next line answers a 334
    };

    /// The line ends before and after a dot.
    struct DotEnds {
        LineEnd before, behind;
    };

    void push(const Request& request, bool doubtful = false);
    void auth_command(std::string_view arg);
    void auth_line(const Line& line);
    void bdat_command(std::string_view arg);
    void data_command();
    void data_line(const Line& line);
    void check_smuggling(Verb verb);
    static const char* name_of(DotEnds ends);

    Handler* handler_;
    ReplyQueue* queue_;
    Recovery* recovery_;
    std::unique_ptr<Message> message_;    ///< the one being received
    std::unique_ptr<AuthDialogue> auth_;  ///< while a dialogue is under way
    /// Of the last message, as long as what follows may have been smuggled.
    std::optional<DotEnds> doubtful_end_;
    Mode mode_ = Mode::commands;
    Disposition disposition_ = Disposition::follow;
    Side side_ = Side::orig;
};

}  // namespace smtpscope::smtp
