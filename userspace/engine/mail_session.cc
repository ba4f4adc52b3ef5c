// SPDX-License-Identifier: BSD-3-Clause
#include "engine/mail_session.h"

#include <utility>

#include "tls/beginning.h"

namespace smtpscope::engine {

MailSession::MailSession(const Common& common, const ConnId& id, Timestamp begin, tcp::Connection* conn)
    : common_(&common), conn_(conn), records_(common.records, id, begin), analyzer_(common.options.limits, records_) {}

/// Clients that expect TLS from the first byte on, as on port 465, occur on other ports too.
Disposition MailSession::data(Side side, std::string_view bytes, Timestamp ts) {
    if (side == Side::resp || begun_) return consume(side, bytes, ts);
    const std::string_view held = tls::first_bytes.substr(0, held_);
    const tls::Beginning beginning = tls::begins(held, bytes);
    if (beginning == tls::Beginning::perhaps) {
        held_ += static_cast<std::uint8_t>(bytes.size());
        return Disposition::follow;
    }
    begun_ = true;
    held_ = 0;
    if (beginning == tls::Beginning::yes) begin_encryption();
    if (held.empty()) return consume(side, bytes, ts);
    return consume(side, std::string(held).append(bytes), ts);
}

Disposition MailSession::gap(Side side, std::uint64_t length, Timestamp ts) {
    release_held(side, ts);
    if (skips(side))
        records_.ignored(length);
    else
        records_.missed(side, length);
    if (length == 0 && !late_) late_ = std::make_unique<std::array<tls::RecordFinder, 2>>();
    if (late_) (*late_)[index(side)] = {};
    if (!encryption_) return at(ts).gap(side, length);
    encryption_->gap(side);
    return encryption_->done() ? end_encryption() : Disposition::follow;
}

Disposition MailSession::end(Side side, Timestamp ts) {
    release_held(side, ts);
    const Disposition answer = at(ts).end(side);
    return encryption_ ? Disposition::follow : answer;
}

void MailSession::finish(Timestamp ts, Ending why) {
    release_held(Side::orig, ts);
    records_.set_ending(why);
    at(ts).finish();
    if (encryption_) end_encryption();
    records_.finish();
}

void MailSession::describe(FlowSummary& summary) const {
    summary.uid = records_.unique_id();
    summary.message_bytes = records_.message_bytes();
    if (encryption_)
        summary.stage = FlowStage::tls;
    else
        summary.stage = records_.in_message() ? FlowStage::message : FlowStage::commands;
}

Disposition MailSession::consume(Side side, std::string_view bytes, Timestamp ts) {
    if (encryption_) return read_handshake(side, bytes, ts);
    if (late_ && (*late_)[index(side)].data(bytes)) return Disposition::tls;
    return analyse(side, bytes, ts);
}

Disposition MailSession::analyse(Side side, std::string_view bytes, Timestamp ts) {
    if (skipping_ && skipping_ != side) skip(std::nullopt);  // the kernel has seen the answer too
    const smtp::Analyzer::Delivered delivered = at(ts).data(side, bytes);
    records_.flush();
    if (is_too_large()) skip(side);
    if (delivered.disposition != Disposition::tls) return delivered.disposition;
    begin_encryption();
    return read_handshake(side, delivered.rest, ts);
}

Disposition MailSession::read_handshake(Side side, std::string_view bytes, Timestamp ts) {
    encryption_->data(side, bytes, ts);
    return encryption_->done() ? end_encryption() : Disposition::follow;
}

/// Nothing follows the first bytes: they were text.
void MailSession::release_held(Side side, Timestamp ts) {
    if (side == Side::resp || held_ == 0) return;
    begun_ = true;
    consume(side, tls::first_bytes.substr(0, std::exchange(held_, 0)), ts);
}

/// The analyzer, with its time set to `ts`.
smtp::Analyzer& MailSession::at(Timestamp ts) {
    records_.set_time(ts);
    return analyzer_;
}

bool MailSession::is_too_large() const {
    const std::uint64_t limit = common_->options.analyzer.max_message_bytes;
    return limit > 0 && common_->control && !skipping_ && records_.message_bytes() > limit;
}

/// Skips the rest of a message that exceeds the size limit.
void MailSession::skip(std::optional<Side> side) {
    if (skipping_ && conn_) conn_->set_skipping(*skipping_, false);
    skipping_ = side;
    if (!side) return;
    if (conn_) conn_->set_skipping(*side, true);
    common_->control->skip_content(records_.conn_id(), *side);
}

void MailSession::begin_encryption() {
    encryption_ = std::make_unique<Encryption>(records_.conn_id(), records_.unique_id());
}

/// The handshake is reported now, and nothing after it is read.
Disposition MailSession::end_encryption() {
    if (const std::optional<SslInfo> ssl = encryption_->record()) {
        ++common_->stats.tls_handshakes;
        records_.tls_handshake(*ssl);
    }
    encryption_.reset();
    return Disposition::tls;
}

}  // namespace smtpscope::engine
