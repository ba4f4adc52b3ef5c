// SPDX-License-Identifier: BSD-3-Clause
// Turns the events of one SMTP session into records, with the meaning of the reference's base/protocols/smtp/main.
//
// Commands go to the newest transaction, replies to the transaction of the command that they answer. A client that
// sends the next MAIL before the last reply to a message has come (RFC 2920) thus has two transactions open, and
// nothing of one gets into the other.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.h"
#include "smtp/protocol.h"
#include "smtpscope/engine.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

/// What the sessions of one engine share.
struct Context {
    const EngineOptions* options;
    RecordSink* sink;
    const Hooks* hooks;
    EngineStats* stats;
};

class Session final : public smtp::Handler, public mime::Handler {
  public:
    /// What the owner of the session has to act on.
    enum class Outcome { open, tls, too_many_invalid_transactions };

    Session(const Context& context, const ConnId& id, std::string uid);
    ~Session() override;

    /// The time of the events to come.
    void set_time(Timestamp ts) { now_ = ts; }
    Outcome outcome() const { return outcome_; }
    /// Writes what is open.
    void finish();

    void weird(std::string_view name, std::string_view addl, std::string_view source);

    smtp::Tag smtp_request(const smtp::Request& request) override;
    void smtp_reply(const smtp::Reply& reply) override;
    void smtp_reply_lost(smtp::Tag tag, smtp::Verb verb, bool final) override;
    void smtp_commands_lost() override;
    void smtp_begin_data() override;
    void smtp_data(std::string_view line, bool crlf) override;
    void smtp_data_gap(std::uint64_t length) override;
    void smtp_end_data() override;
    void smtp_starttls() override;
    void smtp_unexpected(Side, std::string_view, std::string_view) override {}
    void smtp_weird(std::string_view name, std::string_view addl, std::string_view source) override;

    void mime_begin_entity() override;
    void mime_one_header(const mime::HeaderField& field) override;
    void mime_end_entity() override;
    void mime_limit(std::string_view name, std::size_t value) override;

  private:
    struct Transaction {
        Info info;
        smtp::Tag tag = 0;
        bool last_sent = false;         ///< the end of data, or BDAT with LAST: no command after it belongs here
        bool content_ended = false;     ///< and all of the content was seen
        bool answered = false;          ///< the final reply was seen, which may come before the content's end
        bool standing = false;          ///< the server accepted its MAIL, and nothing has ended it since
        bool content_seen = false;      ///< a line of a message
        bool content_accepted = false;  ///< a BDAT chunk was taken
        bool content_refused = false;   ///< DATA or BDAT was refused, and nothing accepted
        bool superseded = false;        ///< a later MAIL was sent, and its reply decides
    };
    using Transactions = std::vector<std::unique_ptr<Transaction>>;

    const AnalyzerOptions& options() const { return context_->options->analyzer; }
    Transaction& open_transaction();
    Transaction* newest();
    Transaction& current();
    void note_activity();
    void answered(Transaction& t, const smtp::Reply& reply);
    Transaction* find(smtp::Tag tag);
    Info* message_info();
    void write(Transaction& t);
    void write_all();
    void remove(const Transaction& t);

    void mail(std::string_view arg);
    void rcpt(std::string_view arg);
    void content_command(Transaction& t, const smtp::Request& request);
    void mail_answered(Transaction& t, std::uint16_t code);
    void content_answered(Transaction& t, std::uint16_t code);
    void absorb(Transaction& refused, Transaction& standing);
    void complete(Transaction& t);
    void invalid_transaction(std::string_view what);

    void received(Info& rec, std::string_view value);
    void addresses(std::optional<StringSet>& set, std::vector<std::string> addresses, std::size_t limit,
                   std::string_view limit_weird);

    const Context* context_;
    ConnId id_;
    std::string uid_;
    Timestamp now_{};
    Timestamp next_begin_{};                  ///< when the transaction before ended; the next one counts from there
    std::optional<std::string> early_reply_;  ///< the last one between transactions
    State state_;
    Transactions transactions_;               ///< open ones, the oldest first; commands go to the last
    std::unique_ptr<mime::Message> message_;  ///< the one being received
    smtp::Tag message_tag_ = 0;               ///< of its transaction
    std::vector<std::string_view> weirds_;    ///< names that were reported: once each is enough
    smtp::Tag last_tag_ = 0;
    bool message_seen_ = false;  ///< a line of it
    bool server_seen_ = false;
    Outcome outcome_ = Outcome::open;
};

}  // namespace smtpscope::records
