// SPDX-License-Identifier: BSD-3-Clause
// The mail session of one connection: its streams through the SMTP analyzer into records, or, once they are encrypted,
// through the handshake.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/encryption.h"
#include "records/session.h"
#include "smtp/analyzer.h"
#include "smtpscope/engine.h"
#include "tcp/table.h"
#include "tls/record_finder.h"

namespace smtpscope::engine {

/// What the mail sessions of one engine share.
struct Common {
    const EngineOptions& options;
    const records::Context& records;
    EngineStats& stats;
    FlowControl* control;  ///< may be nullptr
};

class MailSession final : public tcp::Session {
  public:
    /// `common` and `conn` outlive it. `begin`: of the connection. `conn`: nullptr if its bytes do not come in
    /// packets.
    MailSession(const Common& common, const ConnId& id, Timestamp begin, tcp::Connection* conn);

    Disposition data(Side side, std::string_view bytes, Timestamp ts) override;
    Disposition gap(Side side, std::uint64_t length, Timestamp ts) override;
    Disposition end(Side side, Timestamp ts) override;
    void sent_by(Side from, const Sender& sender) override { records_.sent_by(from, sender); }
    void finish(Timestamp ts, Ending why) override;
    void describe(FlowSummary& summary) const override;
    /// Whether the missing bytes of `side` are left out on purpose.
    bool skips(Side side) const { return skipping_ == side; }

  private:
    Disposition consume(Side side, std::string_view bytes, Timestamp ts);
    Disposition analyse(Side side, std::string_view bytes, Timestamp ts);
    Disposition read_handshake(Side side, std::string_view bytes, Timestamp ts);
    void release_held(Side side, Timestamp ts);
    smtp::Analyzer& at(Timestamp ts);
    bool is_too_large() const;
    void skip(std::optional<Side> side);
    void begin_encryption();
    Disposition end_encryption();

    const Common* common_;
    tcp::Connection* conn_;
    records::Session records_;
    smtp::Analyzer analyzer_;
    std::unique_ptr<Encryption> encryption_;  ///< since STARTTLS
    /// By side, if the connection began before the capture did: it may be encrypted.
    std::unique_ptr<std::array<tls::RecordFinder, 2>> late_;
    std::optional<Side> skipping_;  ///< who sends content that is not captured
    std::uint8_t held_ = 0;  ///< how many of tls::first_bytes the client has sent, if it has sent nothing else yet
    bool begun_ = false;     ///< it has sent something, and that was passed on
};

}  // namespace smtpscope::engine
