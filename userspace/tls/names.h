// SPDX-License-Identifier: BSD-3-Clause
// What numbers in a handshake are called, by the reference's names; `unknown-N` for those that have none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtpscope::tls {

std::string version_name(std::uint16_t number);
std::string cipher_name(std::uint16_t number);
/// Of a named group, which is a curve more often than not.
std::string curve_name(std::uint16_t number);
std::string alert_name(std::uint8_t number);

/// TLS 1.3 or a draft of it.
constexpr bool is_tls13(std::uint16_t version) {
    return version == 0x0304 || version >> 8 == 0x7f;
}

}  // namespace smtpscope::tls
