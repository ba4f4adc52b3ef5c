// SPDX-License-Identifier: BSD-3-Clause
// The encryption of one connection: its handshake, from the first byte to the record.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtpscope/records.h"
#include "smtpscope/side.h"
#include "tls/handshake.h"

namespace smtpscope::engine {

class Encryption {
  public:
    Encryption(const ConnId& id, std::string uid);

    void data(Side side, std::string_view bytes, Timestamp ts);
    void gap(Side side) { handshake_.gap(side); }
    /// Nothing more is to be learned from it.
    bool done() const { return handshake_.done(); }
    /// What is known of it; nullopt if this was not TLS.
    std::optional<SslInfo> record() const;

  private:
    ConnId id_;
    std::string uid_;
    Timestamp begin_{};  ///< when the first hello was read
    tls::Handshake handshake_;
};

}  // namespace smtpscope::engine
