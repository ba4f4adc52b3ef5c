// SPDX-License-Identifier: BSD-3-Clause
// What the analysis says: one Info for each mail transaction, one Weird for each oddity. Names and meaning are those of
// the reference's SMTP::Info, SMTP::State and Weird::Info.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "smtpscope/address.h"
#include "smtpscope/time.h"

namespace smtpscope {

/// The two ends of a connection; the originator sent the first SYN.
struct ConnId {
    Address orig_h;
    std::uint16_t orig_p = 0;
    Address resp_h;
    std::uint16_t resp_p = 0;
    bool operator==(const ConnId&) const = default;
};

/// Why a connection is not followed any longer.
enum class Ending : std::uint8_t {
    closed,          ///< by FIN, RST or a new connection between the same ports
    timeout,         ///< silent for too long
    evicted,         ///< because of Limits::flows
    end_of_capture,  ///< the packets ended before the connection did
    shutdown,        ///< the program ended before the connection did
};

/// A set of strings that keeps the order of insertion. Look-up is linear while small, hashed from then on.
class StringSet {
  public:
    /// False if it was in the set already.
    bool insert(std::string value);
    bool contains(std::string_view value) const;
    std::size_t size() const { return items_.size(); }
    std::size_t bytes() const { return bytes_; }  ///< of all strings together
    bool empty() const { return items_.empty(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }
    bool operator==(const StringSet& other) const { return items_ == other.items_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
    };
    std::vector<std::string> items_;
    std::size_t bytes_ = 0;
    std::unordered_set<std::string, Hash, std::equal_to<>> index_;  ///< empty until items_ outgrows a linear search
};

/// What the server said when it refused something, without the text.
struct Rejection {
    std::uint64_t code = 0;  ///< 0: it refused nothing
    std::string status;      ///< enhanced status code (RFC 3463); may be empty
};

/// One mail transaction. Header values are raw: unfolded, not decoded; they may hold any byte but CR and LF.
struct Info {
    Timestamp ts;     ///< when the transaction was first seen
    std::string uid;  ///< of the connection
    ConnId id;
    std::uint64_t trans_depth = 0;    ///< 1 for the first message of a connection
    std::optional<std::string> helo;  ///< argument of the last HELO or EHLO
    std::optional<std::string> mailfrom;
    std::optional<StringSet> rcptto;
    std::optional<std::string> date;
    std::optional<std::string> from;
    std::optional<StringSet> to;
    std::optional<StringSet> cc;
    std::optional<std::string> reply_to;
    std::optional<std::string> msg_id;
    std::optional<std::string> in_reply_to;
    std::optional<std::string> subject;
    std::optional<Address> x_originating_ip;
    std::optional<std::string> first_received;  ///< of the first server on the way: the last Received field
    std::optional<std::string> second_received;
    std::optional<std::string> last_reply;  ///< code and text of the last reply to this transaction
    std::vector<Address> path;              ///< this connection's ends, then those of the Received fields
    std::optional<std::string> user_agent;
    bool tls = false;
    std::vector<std::string> fuids;  ///< files of the message, in their order
    bool is_webmail = false;

    // Fields that the reference does not have. Each is unset if it is unknown, or not wanted (ExtraField).
    std::optional<std::string> subject_decoded;  ///< RFC 2047 words as UTF-8
    std::optional<std::string> from_decoded;
    std::optional<std::uint64_t>
        message_bytes;  ///< of the content as it was sent, dots unstuffed, missing bytes included if its ends were seen
    std::optional<Duration> duration;     ///< from its first command, after the transaction before, to its final reply
    std::optional<std::string> queue_id;  ///< the server's name for the message, from its final reply
    /// Of the reply that decided about the mail: the final one; without it the refusal of MAIL, of the content, or of
    /// the recipients if none was accepted or the client gave up then; without any of these, last_reply.
    std::optional<std::uint64_t> reply_code;
    std::optional<std::string> enhanced_status;  ///< of the same reply (RFC 3463)
    std::vector<std::string> rejected_rcptto;    ///< `address: code text` of each refused recipient
    std::optional<std::string> auth_mechanism;   ///< of the last AUTH of the session (RFC 4954)
    std::optional<std::string> auth_user;        ///< as far as the mechanism names one; never the secret
    std::optional<bool> auth_success;
    std::optional<std::string> direction;     ///< of the connection: inbound, outbound or local, by local_nets
    std::optional<std::string> community_id;  ///< of the connection, version 1
    std::optional<std::string> tls_version;   ///< agreed on after STARTTLS
    std::vector<std::string> extensions;      ///< keywords of the last reply to EHLO
    /// Of the process of this host that took part in the connection; where both ends did, of the originator.
    std::optional<std::uint64_t> process_uid;
    std::optional<std::string> process_user;  ///< the name of that uid; unset in a container, which has its own users
    std::optional<std::string> process_unit;  ///< of systemd: `postfix@-.service`, `session-3.scope`, `user-1000.slice`
    std::optional<std::string> container;     ///< id or name of the innermost container that it runs in
    std::optional<std::uint64_t> missed_bytes;   ///< of both streams, lost while this transaction was open; never 0
    std::optional<std::uint64_t> ignored_bytes;  ///< of the message, not copied because of a verdict; never 0
    /// Why the record was written before its transaction was over: `timeout`, `evicted`, `end_of_capture`, `shutdown`;
    /// or `beginning`: it had begun before its connection was first captured.
    std::optional<std::string> incomplete;

    // Not logged; for describe().
    Rejection rejection;                    ///< of the mail, or else of the last recipient that was refused
    std::uint64_t recipients = 0;           ///< RCPT commands
    std::uint64_t rejected_recipients = 0;  ///< of these, the refused ones
    bool null_sender = false;               ///< `MAIL FROM:<>`
    bool aborted = false;                   ///< the client ended it before anything had been decided
    bool refused_whole = false;             ///< `rejection` is of the mail, not of a recipient
};

/// What a session remembers across its transactions.
struct State {
    std::optional<std::string> helo;
    std::uint64_t messages_transferred = 0;
    bool trans_mail_from_seen = false;
    bool trans_rcpt_to_seen = false;
    std::uint64_t invalid_transactions = 0;
    std::uint64_t mime_depth = 0;  ///< entities seen in this session
};

/// An oddity, by the reference's name for it.
struct Weird {
    Timestamp ts;
    std::string uid;
    ConnId id;
    std::string name;
    std::string addl;    ///< details; may be empty
    std::string source;  ///< SMTP, SMTP_BDAT, CONTENTLINE, TCP; may be empty
};

/// The body of a MIME entity, or a whole message; the reference's Files::Info.
struct FileInfo {
    Timestamp ts;  ///< of its first byte
    std::string fuid;
    std::string uid;  ///< of the connection
    ConnId id;
    std::string source;                    ///< SMTP
    std::uint64_t depth = 0;               ///< entities of this session up to this one
    std::optional<std::string> mime_type;  ///< by content, not as declared
    std::optional<std::string> filename;   ///< decoded (RFC 2047, RFC 2231)
    Duration duration{};                   ///< from the first byte to the last
    bool is_orig = true;
    std::uint64_t seen_bytes = 0;              ///< after the transfer encoding
    std::optional<std::uint64_t> total_bytes;  ///< never set: mail does not say
    std::uint64_t missing_bytes = 0;           ///< lost in the capture, in octets of the stream
    std::uint64_t overflow_bytes = 0;          ///< files of mail come in order: 0
    std::optional<std::string> parent_fuid;    ///< of the message that it is a part of, where that is a file
    std::optional<std::string> md5;
    std::optional<std::string> sha1;
    std::optional<std::string> sha256;
    std::optional<std::string> extracted;         ///< name of the file that its content was written to
    std::optional<bool> extracted_cutoff;         ///< a limit was reached before its end
    std::optional<std::uint64_t> extracted_size;  ///< bytes written
};

/// The TLS handshake after STARTTLS; the reference's SSL::Info without what depends on certificates.
struct SslInfo {
    Timestamp ts;
    std::string uid;
    ConnId id;
    std::optional<std::string> version;  ///< `TLSv12`
    std::optional<std::string> cipher;   ///< IANA's name, or `unknown-N`
    std::optional<std::string> curve;    ///< of the key exchange, `x25519`
    std::optional<std::string> server_name;
    bool resumed = false;
    std::optional<std::string> last_alert;     ///< by name
    std::optional<std::string> next_protocol;  ///< what the server chose (ALPN)
    bool established = false;
};

/// Something that somebody should look at, by the reference's names where it has one.
struct Notice {
    Timestamp ts;
    std::string uid;
    ConnId id;
    std::string note;  ///< `SMTP::Blocklist_Blocked_Host`
    std::string msg;
    std::string sub;  ///< details; may be empty
    Address src;      ///< the host that it is about
    Address dst;
    std::uint64_t n = 0;  ///< how often, where it is counted; else 0
};

/// Mail software, by the name that a client gives itself; the reference's Software::Info.
struct Software {
    Timestamp ts;
    ConnId id;  ///< the connection where it was seen; not logged
    Address host;
    std::string software_type;  ///< `SMTP::MAIL_CLIENT`, `SMTP::WEBMAIL_SERVER`
    std::string name;
    std::optional<std::uint64_t> version_major;
    std::optional<std::uint64_t> version_minor;
    std::optional<std::uint64_t> version_minor2;
    std::optional<std::uint64_t> version_minor3;
    std::optional<std::string> version_addl;
    std::string unparsed_version;
};

/// One line for people, of bytes as they came: `sender -> recipient (plus N others): subject`, and before the subject
/// what went wrong: `REFUSED 550 5.1.1 (1 of 2)` (recipients), `ABORTED`, `[38.0 KiB missed]`, `[incomplete]`. The
/// subject is decoded and cut at 80 columns.
std::string describe(const Info& rec);

}  // namespace smtpscope
