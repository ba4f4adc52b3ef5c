// SPDX-License-Identifier: BSD-3-Clause
#include "engine/mail_session.h"

#include <utility>

#include "tls/beginning.h"

namespace smtpscope::engine {

using Outcome = records::Session::Outcome;

MailSession::MailSession(const Context& context, const ConnId& id, Timestamp begin, tcp::Connection& conn)
    : context_(&context),
      conn_(&conn),
      records_(context.records, id, begin),
      analyzer_(context.options.limits, records_) {}

/// Clients that expect TLS from the first byte on, as on port 465, are met on the other ports too.
void MailSession::data(Side side, std::string_view bytes, Timestamp ts) {
    if (side == Side::resp || begun_) return consume(side, bytes, ts);
    const std::string_view held = tls::first_bytes.substr(0, held_);
    const tls::Beginning beginning = tls::begins(held, bytes);
    if (beginning == tls::Beginning::perhaps) {
        held_ += static_cast<std::uint8_t>(bytes.size());
        return;
    }
    begun_ = true;
    held_ = 0;
    if (beginning == tls::Beginning::yes) begin_encryption();
    if (held.empty()) return consume(side, bytes, ts);
    consume(side, std::string(held).append(bytes), ts);
}

void MailSession::gap(Side side, std::uint64_t length, Timestamp ts) {
    release_held(side, ts);
    if (skipping_ == side)
        records_.ignored(length);
    else
        records_.missed(side, length);
    if (length == 0 && !late_) late_ = std::make_unique<std::array<tls::RecordFinder, 2>>();
    if (late_) (*late_)[index(side)] = {};
    if (encryption_)
        encryption_->gap(side);
    else
        at(ts).gap(side, length);
    act();
}

void MailSession::end(Side side, Timestamp ts) {
    release_held(side, ts);
    at(ts).end(side);
    act();
}

void MailSession::finish(Timestamp ts, Ending why) {
    release_held(Side::orig, ts);
    records_.set_ending(why);
    at(ts).finish();
    end_encryption();
    records_.finish();
}

void MailSession::unwanted() {
    if (context_->control) context_->control->ignore(records_.conn_id(), reason_);
}

void MailSession::describe(FlowSummary& summary) const {
    summary.uid = records_.unique_id();
    summary.message_bytes = records_.message_bytes();
    if (encryption_ || (conn_->stopped() && reason_ == IgnoreReason::tls))
        summary.stage = FlowStage::tls;
    else if (conn_->stopped())
        summary.stage = FlowStage::ignored;
    else
        summary.stage = records_.in_message() ? FlowStage::message : FlowStage::commands;
}

void MailSession::consume(Side side, std::string_view bytes, Timestamp ts) {
    if (encryption_)
        encryption_->data(side, bytes, ts);
    else if (late_ && (*late_)[index(side)].data(bytes))
        encrypted_ = true;
    else
        analyse(side, bytes, ts);
    act();
}

void MailSession::analyse(Side side, std::string_view bytes, Timestamp ts) {
    if (skipping_ && skipping_ != side) skip(std::nullopt);  // the kernel has seen the answer too
    const std::string rest = at(ts).data(side, bytes);
    records_.flush();
    if (is_too_large()) skip(side);
    if (records_.outcome() != Outcome::tls) return;
    begin_encryption();
    encryption_->data(side, rest, ts);
}

/// Nothing comes behind the first bytes: they were text.
void MailSession::release_held(Side side, Timestamp ts) {
    if (side == Side::resp || held_ == 0) return;
    begun_ = true;
    consume(side, tls::first_bytes.substr(0, std::exchange(held_, 0)), ts);
}

/// The analyzer for what happens at `ts`.
smtp::Analyzer& MailSession::at(Timestamp ts) {
    records_.set_time(ts);
    return analyzer_;
}

bool MailSession::is_too_large() const {
    const std::uint64_t limit = context_->options.analyzer.max_message_bytes;
    return limit > 0 && context_->control && !skipping_ && records_.message_bytes() > limit;
}

/// The rest of a message that is larger than anybody wants.
void MailSession::skip(std::optional<Side> side) {
    if (skipping_) conn_->set_skipping(*skipping_, false);
    skipping_ = side;
    if (!side) return;
    conn_->set_skipping(*side, true);
    context_->control->skip_content(records_.conn_id(), *side);
}

void MailSession::begin_encryption() {
    encryption_ = std::make_unique<Encryption>(records_.conn_id(), records_.unique_id());
}

void MailSession::end_encryption() {
    if (!encryption_) return;
    if (const std::optional<SslInfo> ssl = encryption_->record()) {
        ++context_->stats.tls_handshakes;
        records_.tls_handshake(*ssl);
    }
    encryption_.reset();
}

/// Once there is nothing more to learn, neither the kernel nor the reassembler need work for this connection.
void MailSession::act() {
    if (conn_->stopped()) return;
    const bool open = encryption_ ? !encryption_->done() : records_.outcome() == Outcome::open;
    if (open && !encrypted_) return;
    reason_ = records_.outcome() == Outcome::too_many_invalid_transactions ? IgnoreReason::invalid_transactions
                                                                           : IgnoreReason::tls;
    end_encryption();
    conn_->stop_delivery();
    ++context_->stats.flows_ignored;
    if (context_->control) context_->control->ignore(records_.conn_id(), reason_);
}

}  // namespace smtpscope::engine
