// SPDX-License-Identifier: BSD-3-Clause
#include "engine/encryption.h"

#include <utility>

namespace smtpscope::engine {

Encryption::Encryption(const ConnId& id, std::string uid) : id_(id), uid_(std::move(uid)) {}

void Encryption::data(Side side, std::string_view bytes, Timestamp ts) {
    const bool known = handshake_.recognized();
    handshake_.data(side, bytes);
    if (!known && handshake_.recognized()) begin_ = ts;
}

std::optional<SslInfo> Encryption::record() const {
    if (!handshake_.recognized()) return std::nullopt;
    SslInfo rec;
    rec.ts = begin_;
    rec.uid = uid_;
    rec.id = id_;
    handshake_.fill(rec);
    return rec;
}

}  // namespace smtpscope::engine
