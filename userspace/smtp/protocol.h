// SPDX-License-Identifier: BSD-3-Clause
// The vocabulary of SMTP (RFC 5321 and its extensions), and the events that a session is turned into. Events have the
// reference's names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpscope/disposition.h"
#include "smtpscope/side.h"

namespace smtpscope::smtp {

enum class Verb : std::uint8_t {
    unknown,
    ehlo,
    helo,
    mail,
    rcpt,
    data,
    quit,
    rset,
    vrfy,
    expn,
    help,
    noop,
    starttls,
    x_anonymoustls,
    send,
    soml,
    saml,
    turn,      ///< RFC 821
    bdat,      ///< RFC 3030
    etrn,      ///< RFC 1985
    auth,      ///< RFC 4954
    burl,      ///< RFC 4468
    lhlo,      ///< RFC 2033
    xclient,   ///< Postfix: a proxy says whom it speaks for; the session begins again
    xforward,  ///< Postfix: the same, only for the log
    // Never a word on the wire:
    greeting,     ///< what the server's first reply answers
    end_of_data,  ///< the line with a dot alone
    auth_answer,  ///< a line of an AUTH dialogue: a secret
};

/// The command's verb; `unknown` for every other word. Case is ignored.
Verb parse_verb(std::string_view word);
/// Its name in the reference's events: `.` for end_of_data, `>` for greeting, `***` for auth_answer.
std::string_view name_of(Verb v);

/// A command line, split at its first white space.
struct Command {
    Verb verb = Verb::unknown;
    std::string_view word;
    std::string_view arg;
};
Command parse_command(std::string_view line);

/// A line of a reply (RFC 5321, 4.2). nullopt if it does not begin with a code of 100 to 599.
struct ReplyLine {
    std::uint16_t code = 0;
    bool more = false;  ///< `-` after the code: another line follows
    std::string_view text;
};
std::optional<ReplyLine> parse_reply(std::string_view line);

/// The argument of BDAT (RFC 3030, 2).
struct BdatArgument {
    std::uint64_t size = 0;
    bool last = false;
    const char* error = nullptr;  ///< what is wrong with it, in the reference's words; nullptr if nothing is
};
BdatArgument parse_bdat_argument(std::string_view arg);

/// Which transaction a command belongs to: the handler's number for it, handed back with the replies.
using Tag = std::uint32_t;

struct Request {
    Verb verb = Verb::unknown;
    std::string_view arg;   ///< only the mechanism for AUTH; empty for AUTH answers
    bool final = false;     ///< the reply to it ends the message: end_of_data, and BDAT with LAST
    std::string_view user;  ///< for AUTH and its answers: who logs in, once that is known
};

struct Reply {
    Tag tag = 0;  ///< of the request that it answers; 0 if there is none
    Verb verb = Verb::unknown;
    bool final = false;  ///< the request's
    std::uint16_t code = 0;
    bool more = false;      ///< another line of this reply follows
    std::string_view text;  ///< of this line
    bool to_lost_command = false;
    bool doubtful = false;  ///< bytes were lost: the reply may answer another request, or lack its beginning
};

/// Sources of weirds, named as the reference names them.
inline constexpr std::string_view smtp_source = "SMTP";
inline constexpr std::string_view bdat_source = "SMTP_BDAT";
inline constexpr std::string_view line_source = "CONTENTLINE";

class Handler {
  public:
    struct Answer {
        Tag tag = 0;
        Disposition disposition = Disposition::follow;  ///< else no event follows
    };
    virtual ~Handler() = default;
    virtual Answer smtp_request(const Request& request) = 0;
    virtual void smtp_reply(const Reply& reply) = 0;
    /// The reply to this request was lost, or will never come.
    virtual void smtp_reply_lost(Tag tag, Verb verb, bool final) = 0;
    /// Commands were lost: the next ones may not belong to the open transaction.
    virtual void smtp_commands_lost() = 0;
    /// The DATA of the message that begins now was lost.
    virtual void smtp_data_command_lost() = 0;
    /// Message content begins, for the transaction of the request before.
    virtual void smtp_begin_data() = 0;
    /// A line of it, dots unstuffed; without `crlf` a piece of a line.
    virtual void smtp_data(std::string_view line, bool crlf) = 0;
    /// Several lines, each with its CRLF; there is no other CRLF in them. The same as smtp_data() for each of them.
    virtual void smtp_data_lines(std::string_view lines) = 0;
    virtual void smtp_data_gap(std::uint64_t length) = 0;
    /// Not `sized`: it is unknown how many of the lost bytes belonged to the message.
    virtual void smtp_end_data(bool sized) = 0;
    virtual void smtp_starttls() = 0;
    /// Commands of another message followed an end of data that not all servers take for one (CVE-2023-51764). `how`:
    /// its form, such as `<LF>.<LF>`; a static string.
    virtual void smtp_smuggled(std::string_view how) = 0;
    /// Something that is not expected at this point; `detail` never comes from an AUTH dialogue.
    virtual void smtp_unexpected(Side side, std::string_view what, std::string_view detail) = 0;
    /// `name`, `source`: the reference's; static strings.
    virtual void smtp_weird(std::string_view name, std::string_view addl, std::string_view source) = 0;
};

}  // namespace smtpscope::smtp
