// SPDX-License-Identifier: BSD-3-Clause
// Turns the events of one SMTP session into records, with the meaning of the reference's base/protocols/smtp/main.
//
// Commands go to the newest transaction, replies to the transaction of the command that they answer. A client that
// sends the next MAIL before the last reply to a message has come (RFC 2920) thus has two transactions open, and
// nothing of one gets into the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/circumstances.h"
#include "records/content.h"
#include "records/scope.h"
#include "smtp/protocol.h"

namespace smtpscope::records {

class Session final : public smtp::Handler, private Scope {
  public:
    /// `begin`: of the connection, which its unique id is made of.
    Session(const Context& context, const ConnId& id, Timestamp begin);
    ~Session() override;

    /// The time of the events to come.
    void set_time(Timestamp ts) { now = ts; }
    /// The events of a packet are over.
    void flush();
    std::string unique_id() const { return uid(); }
    const ConnId& conn_id() const { return id; }
    /// The first payload of `from` that a socket of this host sent.
    void sent_by(Side from, const Sender& sender);
    /// `length` bytes of `from` are lost; 0: an unknown number, before its first that was captured. Comes before the
    /// analyzer hears of it and writes what that ends.
    void missed(Side from, std::uint64_t length);
    /// `bytes` of the newest message were not copied, as a verdict had it.
    void ignored(std::uint64_t bytes);
    /// Of the message that is being received, so far; 0 between messages.
    std::uint64_t message_bytes() const { return content_ ? content_->size() : 0; }
    bool in_message() const { return content_ != nullptr; }
    /// From now on the session ends, and for this reason.
    void set_ending(Ending why) { ending_ = why; }
    /// The handshake after STARTTLS is over.
    void tls_handshake(const SslInfo& ssl);
    /// Writes what is open.
    void finish();

    smtp::Handler::Answer smtp_request(const smtp::Request& request) override;
    void smtp_reply(const smtp::Reply& reply) override;
    void smtp_reply_lost(smtp::Tag tag, smtp::Verb verb, bool final) override;
    void smtp_commands_lost() override;
    void smtp_data_command_lost() override;
    void smtp_begin_data() override;
    void smtp_data(std::string_view line, bool crlf) override;
    void smtp_data_lines(std::string_view lines) override;
    void smtp_data_gap(std::uint64_t length) override;
    void smtp_end_data(bool sized) override;
    void smtp_starttls() override;
    void smtp_smuggled(std::string_view how) override;
    void smtp_unexpected(Side, std::string_view, std::string_view) override {}
    void smtp_weird(std::string_view name, std::string_view addl, std::string_view source) override;

  private:
    struct Transaction {
        Info info;
        smtp::Tag tag = 0;
        bool last_sent = false;         ///< the end of data, or BDAT with LAST: no command after it belongs here
        bool content_ended = false;     ///< and all of the content was seen
        bool answered = false;          ///< the final reply was seen, which may come before the content's end
        bool standing = false;          ///< the server accepted its MAIL, and nothing has ended it since
        bool content_seen = false;      ///< a line of a message
        bool commands_lost = false;     ///< and some of its commands were not
        bool begun_before = false;      ///< its connection was captured only from somewhere within it on
        bool content_accepted = false;  ///< a BDAT chunk was taken
        bool content_refused = false;   ///< DATA or BDAT was refused, and nothing accepted
        bool accepted_known = true;     ///< no reply was lost that tells whom `accepted` has to hold
        bool aborted = false;           ///< by RSET, QUIT or their like, and the server agreed
        bool ignored = false;           ///< some of its content was, on purpose
        bool fetched = false;           ///< some of its content was, by the server itself (BURL)
        bool superseded = false;        ///< a later MAIL was sent, and its reply decides
        bool bytes_missed = false;      ///< of either side, while it was open
        Rejection mail_rejection;       ///< of MAIL or of the content
        Rejection recipient_rejection;  ///< of the last recipient that was refused
        Timestamp first_command{};
        std::vector<std::string> recipients;  ///< of RCPT commands without a reply, from recipients_head on
        std::size_t recipients_head = 0;
        std::vector<std::string>
            accepted;  ///< LMTP: recipients whose reply to the message is due, from accepted_head on
        std::size_t accepted_head = 0;
        std::size_t rejected_bytes = 0;   ///< in info.rejected_rcptto
        std::uint64_t client_missed = 0;  ///< bytes of the client's last loss
    };
    /// What the session is known for beyond its transactions.
    struct Facts {
        bool auth_begun = false;     ///< RFC 4954
        std::string_view mechanism;  ///< of a static string
        std::string user;
        std::optional<bool> auth_success;
        std::optional<std::string> tls_version;
        void forget_auth();
    };
    using Transactions = std::vector<std::unique_ptr<Transaction>>;

    static constexpr std::string_view smtp_source = "SMTP";  ///< of weirds

    bool wants(ExtraField f) const { return options().extra_fields.contains(f); }
    Transaction& open_transaction();
    Transaction* newest();
    Transaction& current();
    void note_activity();
    void note_command(Timestamp when);
    void answered(Transaction& t, const smtp::Reply& reply);
    void session_answered(const smtp::Reply& reply);
    void offer(const smtp::Reply& reply);
    void delivery_answered(Transaction& t, const smtp::Reply& reply);
    void reject(Transaction& t, const std::string& address, const smtp::Reply& reply);
    void judge(Transaction& t);
    void note_hanging_up();
    void recipient_answered(Transaction& t, const smtp::Reply& reply);
    bool is_from_client(Side side) const { return (side == Side::orig) == from_originator_; }
    void lost_its_end(const Transaction& t);
    void complete_fields(Transaction& t);
    void complete_facts(Info& rec);
    Transaction* find(smtp::Tag tag);
    Info* message_info() override;
    void hold(Record&& record, ContentSink::Handle content) override;
    void hold_for(Record&& record, ContentSink::Handle content, std::vector<smtp::Tag> mails);
    Notices& notices();
    void settle(const Transaction& t, Fate fate);
    void settle_session();
    void write(Transaction& t);
    void write_all();
    void remove(const Transaction& t);

    void mail(std::string_view arg);
    void rcpt(std::string_view arg);
    void auth(const smtp::Request& request);
    Facts& facts();
    Content& content();
    void content_command(Transaction& t, const smtp::Request& request);
    void mail_answered(Transaction& t, std::uint16_t code);
    void content_answered(Transaction& t, const smtp::Reply& reply);
    void absorb(Transaction& refused, Transaction& standing);
    void complete(Transaction& t);
    void invalid_transaction(std::string_view what);

    Timestamp next_begin_{};     ///< when the transaction before ended; the next one counts from there
    Timestamp first_command_{};  ///< since then; in the far past if that was lost
    std::string early_reply_;    ///< the last one between transactions; empty: none
    Transactions transactions_;  ///< open ones, the oldest first; commands go to the last
    Circumstances circumstances_;
    std::uint64_t early_missed_ = 0;                 ///< bytes lost of what the next transaction begins with
    std::unique_ptr<Content> content_;               ///< the message being received
                                                     ///< by the local networks of the first record
    std::unique_ptr<Facts> facts_;                   ///< nullptr as long as there are none
    std::shared_ptr<const std::string> extensions_;  ///< keywords of EHLO's reply, with blanks between them
    std::unique_ptr<Companions> companions_;         ///< nullptr as long as none of them had to wait
    smtp::Tag message_tag_ = 0;                      ///< of its transaction
    smtp::Tag message_mail_ = 0;                     ///< of the transaction that the newest message goes with
    smtp::Tag last_tag_ = 0;
    bool server_seen_ = false;
    bool commands_lost_ = false;  ///< of the transaction to be opened next
    bool joined_late_ = false;  ///< the client's stream did not begin with its first byte, and nothing was opened since
    bool lmtp_ = false;         ///< the client said LHLO
    bool offering_ = false;     ///< within the reply to EHLO, behind its first line
    bool from_originator_ = true;                    ///< false after TURN: the responder has become the client
    std::optional<Fate> message_fate_;               ///< of the newest message, where that is decided
    Fate session_fate_ = Fate::unknown;              ///< kept, if one of its mails was; else dropped, if one was
    Disposition disposition_ = Disposition::follow;  ///< what the analyzer was told; such an end cuts nothing off
    Ending ending_ = Ending::closed;
};

}  // namespace smtpscope::records
