// SPDX-License-Identifier: BSD-3-Clause
// A snapshot of a connection that is being followed: for `smtpscope flows`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpscope/records.h"
#include "smtpscope/time.h"

namespace smtpscope {

/// How far a connection is.
enum class FlowStage : std::uint8_t {
    handshake,  ///< no payload so far
    commands,   ///< commands and replies
    message,    ///< the content of a message
    tls,        ///< encrypted, or about to be
    ignored,    ///< not followed any longer: too many invalid transactions
    closing,    ///< one end has closed
};

constexpr std::string_view to_string(FlowStage stage) {
    constexpr std::string_view names[] = {"handshake", "commands", "message", "tls", "ignored", "closing"};
    return names[static_cast<std::size_t>(stage)];
}

struct FlowSummary {
    ConnId id;
    std::string uid;  ///< of its records; empty before the first payload
    Timestamp begin;  ///< the first packet
    Timestamp last;   ///< the last one
    FlowStage stage = FlowStage::handshake;
    std::uint64_t orig_bytes = 0;     ///< of the stream up to its first hole, without ignored bytes
    std::uint64_t resp_bytes = 0;     ///< the same for what the server sent
    std::uint64_t message_bytes = 0;  ///< of the message that is being received
};

}  // namespace smtpscope
