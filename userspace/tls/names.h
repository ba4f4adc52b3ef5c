// SPDX-License-Identifier: BSD-3-Clause
// The reference's names for the numbers in a handshake; `unknown-N` for numbers without a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtpscope::tls {

std::string version_name(std::uint16_t number);
std::string cipher_name(std::uint16_t number);
/// The name of a named group, which is usually a curve.
std::string curve_name(std::uint16_t number);
std::string alert_name(std::uint8_t number);

/// TLS 1.3 or a draft of it.
constexpr bool is_tls13(std::uint16_t version) {
    return version == 0x0304 || version >> 8 == 0x7f;
}

}  // namespace smtpscope::tls
