// SPDX-License-Identifier: BSD-3-Clause
// Where TLS begins in a stream.
#pragma once

#include <cstdint>
#include <string_view>

namespace smtpscope::tls {

/// A handshake's record begins with its type and the higher byte of its version, which all versions share (RFC 8446,
/// 5.1). No command and no reply does.
inline constexpr std::string_view first_bytes = "\x16\x03";

enum class Beginning : std::uint8_t {
    no,
    perhaps,  ///< the next byte tells
    yes,
};

/// Whether TLS begins with `before` and `bytes` behind it. `before` is what came before and did not decide it: one byte
/// at most.
constexpr Beginning begins(std::string_view before, std::string_view bytes) {
    if (before.size() >= first_bytes.size() || !first_bytes.starts_with(before)) return Beginning::no;
    const std::string_view rest = first_bytes.substr(before.size());
    if (bytes.starts_with(rest)) return Beginning::yes;
    return rest.starts_with(bytes) ? Beginning::perhaps : Beginning::no;
}

}  // namespace smtpscope::tls
