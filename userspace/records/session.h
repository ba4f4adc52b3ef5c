// SPDX-License-Identifier: BSD-3-Clause
// Turns the events of one SMTP session into records, with the meaning of the reference's base/protocols/smtp/main.
//
// Commands go to the newest transaction, replies to the transaction of the command that they answer. A client that
// sends the next MAIL before the last reply to a message has come (RFC 2920) thus has two transactions open, and
// nothing of one gets into the record of the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/circumstances.h"
#include "records/content.h"
#include "records/login.h"
#include "records/mail_fates.h"
#include "records/offer.h"
#include "records/scope.h"
#include "records/transaction.h"
#include "smtp/protocol.h"

namespace smtpscope::records {

class Session final : public smtp::Handler, private Scope {
  public:
    /// `begin`: when the connection began; part of its unique id.
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
    /// `length` bytes of `from` are lost; 0: an unknown number, before its first captured byte. To be called before the
    /// analyzer is told, which ends what the loss ends.
    void missed(Side from, std::uint64_t length);
    /// `bytes` of the newest message were not copied because of a verdict.
    void ignored(std::uint64_t bytes);
    /// Bytes of the message that is being received, so far; 0 between messages.
    std::uint64_t message_bytes() const { return message_.content ? message_.content->size() : 0; }
    bool in_message() const { return message_.content != nullptr; }
    /// The session is about to end, for this reason.
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
    /// What the next transaction to be opened begins with.
    struct Beginning {
        Timestamp begin{};          ///< when the one before ended
        Timestamp first_command{};  ///< the first command since then; in the far past if it was lost
        std::string reply;          ///< the last reply between transactions; empty: none
        std::uint64_t missed = 0;   ///< bytes lost since then
        bool commands_lost = false;
        bool joined_late = false;  ///< the client's stream did not begin with its first byte
    };
    /// The message being received.
    struct Message {
        std::unique_ptr<Content> content;
        smtp::Tag tag = 0;  ///< of its transaction
    };
    /// What is known of the session besides its transactions.
    struct Facts {
        Login login;
        std::optional<std::string> tls_version;
    };

    bool wants(ExtraField f) const { return options().extra_fields.contains(f); }
    Draft* message_draft() override;
    void hold(Record&& record, ContentSink::Handle content) override;
    Notices& notices();
    Facts& facts();
    Content& content();

    Transaction& open_transaction();
    Transaction& current();
    void note_activity();
    void note_command(Timestamp when);
    void lost_its_end(const Transaction& t);
    void note_hanging_up();
    void complete(Transaction& t);
    void complete_fields(Transaction& t);
    void write(Transaction& t);
    void write_all();

    void hello(const smtp::Request& request);
    void mail(std::string_view arg);
    void rcpt(std::string_view arg);
    void content_command(Transaction& t, const smtp::Request& request);
    void invalid_transaction(std::string_view what);

    void session_answered(const smtp::Reply& reply);
    void answered(Transaction& t, const smtp::Reply& reply);
    void mail_answered(Transaction& t, std::uint16_t code);
    void recipient_answered(Transaction& t, const smtp::Reply& reply);
    void delivery_answered(Transaction& t, const smtp::Reply& reply);
    void reject(Transaction& t, const std::string& address, const smtp::Reply& reply);

    Transactions transactions_;
    Beginning next_;
    Message message_;
    std::unique_ptr<Facts> facts_;  ///< nullptr as long as there are none
    Offer offer_;
    Circumstances circumstances_;
    MailFates fates_;
    smtp::Tag last_tag_ = 0;
    Side client_ = Side::orig;  ///< the client; after TURN the responder
    bool server_seen_ = false;
    bool lmtp_ = false;                              ///< the client said LHLO
    Disposition disposition_ = Disposition::follow;  ///< else it ended before its connection, and nothing is missing
    Ending ending_ = Ending::closed;
};

}  // namespace smtpscope::records
