// SPDX-License-Identifier: BSD-3-Clause
// The SMTP analyzer: two byte streams in, events out.
//
// A reply belongs to the oldest command that has none yet (RFC 2920, 3.1). After bytes were lost the analyzer finds its
// way back by what both ends do: a client that waits for replies has had them, and a server does not speak during a
// message.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/auth.h"
#include "smtp/bdat.h"
#include "smtp/line_reader.h"
#include "smtp/protocol.h"
#include "smtpscope/options.h"

namespace smtpscope::smtp {

class Analyzer {
  public:
    /// Both outlive the analyzer.
    Analyzer(const Limits& limits, Handler& handler);

    struct Answer {
        Disposition disposition = Disposition::follow;
        std::string rest;  ///< with Disposition::tls: the bytes that are not SMTP any more
    };
    Answer data(Side side, std::string_view bytes);
    /// `length` bytes are lost; 0: the session began before the capture did.
    Disposition gap(Side side, std::uint64_t length);
    Disposition end(Side side);
    /// The connection is over: an open message ends here.
    void finish();

  private:
    enum class Mode : std::uint8_t {
        command,
        data,  ///< between DATA and its dot; from the command on, because clients need not wait for the 354
        auth,  ///< the next line answers a 334
    };
    struct Pending {
        Verb verb;
        bool final : 1;
        bool doubtful : 1;    ///< an end of data that not all servers take for one
        bool before_gap : 1;  ///< bytes of the server were lost since; the reply may have been among them
        bool behind_gap : 1;  ///< commands may have been lost before it that were not answered when it was sent
        Tag tag;
    };

    /// What is kept since bytes of the client were lost.
    struct Loss {
        std::vector<std::string> trailing;  ///< the last lines from the client, as long as they look like commands
        std::uint64_t content = 0;          ///< octets of the message, or its end, before what comes next
        std::uint64_t chunks = 0;           ///< octets since the message's last chunk that no command is known for
        bool replies = false;               ///< some of the server's replies since the client's loss were lost too
    };

    bool follows() const { return disposition_ == Disposition::follow; }
    bool is_client(Side s) const { return (s == Side::orig) != turned_; }
    LineReader& reader(Side s) { return readers_[index(s)]; }
    void report_oddities(LineReader& r);
    void go_over_to_tls();
    bool goes_over_to_tls(Side side, std::string_view partial, std::string_view bytes);

    void client_line(const Line& line);
    void command_line(const Line& line);
    void auth_command(std::string_view arg);
    void auth_line(const Line& line);
    void bdat_command(std::string_view arg);
    void data_line(const Line& line);
    void content_line(const Line& line, bool crlf);
    void plain_content(const LineReader& r, std::string_view& bytes);
    void report_lost_content();
    void take_chunk(std::string_view& bytes);
    void finish_chunk();
    void begin_message();
    void end_message();
    void end_of_data(bool doubtful);
    void check_smuggling(const Command& c);
    void push(const Request& request, bool doubtful = false);

    void server_line(const Line& line);
    void begin_reply(std::uint16_t code, std::string_view text);
    void finish_reply(const ReplyLine& reply);
    void align(std::uint16_t code, std::string_view text);
    void lose_front();
    void begin_lost_message();
    bool within_transaction(Verb next, std::uint32_t replies) const;
    bool pending_has(Verb v) const;

    void client_gap(std::uint64_t length);
    std::uint64_t chunk_gap(std::uint64_t length);
    void report_lost_chunks();
    void begin_transaction();
    void lose_commands();
    void server_gap();
    void lose_end_of_data();
    void collect(const Line& line);
    void recover_chunk(std::string_view before, std::string_view command);
    void recover(std::uint16_t code);
    void recover_commands(std::uint16_t code);
    void leave_recovery(Verb next, std::uint16_t code);
    void replay();

    const Limits* limits_;
    Handler* handler_;
    LineReader readers_[2];
    BdatLines bdat_;
    std::unique_ptr<AuthDialogue> auth_;  ///< while one is under way
    std::vector<Pending> pending_;        ///< commands without a reply, from pending_head_ on
    std::unique_ptr<Loss> loss_;          ///< nullptr as long as the client's bytes are all there
    Pending answered_{};                  ///< the request that the current reply answers; tag 0: none
    std::uint64_t chunk_left_ = 0;        ///< octets of the current BDAT chunk to come
    std::uint32_t pending_head_ = 0;
    std::uint32_t unexplained_ = 0;   ///< replies to none of the commands, since the client's last gap
    std::uint32_t accepted_ = 0;      ///< recipients of the transaction
    std::uint32_t lmtp_due_ = 0;      ///< replies that the message being answered has yet to get
    const char* doubtful_ = nullptr;  ///< how the last message ended, as long as what follows may have been smuggled
    Mode mode_ = Mode::command;
    Disposition disposition_ = Disposition::follow;
    bool lmtp_ = false;    ///< LHLO was accepted: one reply for each recipient ends a message
    bool turned_ = false;  ///< TURN: the responder has become the client
    bool in_message_ = false;
    bool in_bdat_ = false;  ///< the message comes by BDAT
    bool chunk_last_ = false;
    bool data_accepted_ = false;    ///< the 354 was seen
    bool data_reply_lost_ = false;  ///< bytes of the server were lost when it was due
    bool data_begun_ = false;       ///< a line of this message was seen
    bool gapped_ = false;           ///< bytes of this message were lost
    bool sized_ = false;            ///< and all bytes between its beginning and its end are its own
    bool dot_torn_ = false;         ///< right behind a dot at a line's beginning
    bool crlf_seen_ = false;        ///< a line of this message ended as lines have to
    bool recovering_ = false;       ///< what the client's lines are is not known
    bool unclassified_ = false;     ///< and a new transaction may have begun among them
    bool client_gap_ = false;       ///< commands may have been lost
    bool server_gap_ = false;       ///< replies may have been lost
    bool reply_lost_ = false;       ///< one since the last that was read
    bool ready_for_tls_ = false;    ///< and STARTTLS among them: the server said 220, or that was lost too
    bool refused_ = false;          ///< a recipient of the transaction was
    bool reset_ = true;             ///< no MAIL was accepted since the last transaction was over or given up
    bool server_seen_ = false;
    bool continuing_ = false;  ///< the reply has more lines
};

}  // namespace smtpscope::smtp
