// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/auth.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "mime/base64.h"

namespace smtpscope::smtp {

namespace {

// IANA's SASL mechanisms, and those that are in use without being registered there. Other words from the network are
// not repeated.
constexpr std::string_view mechanisms[] = {
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA3-512",
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA3-512-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "OAUTH10A",
    "XOAUTH",
    "NTLM",
    "GSSAPI",
    "GS2-KRB5",
    "GS2-KRB5-PLUS",
    "GSS-SPNEGO",
    "KERBEROS_V4",
    "KERBEROS_V5",
    "EXTERNAL",
    "ANONYMOUS",
    "OTP",
    "SKEY",
    "SECURID",
    "NMAS_AUTHEN",
    "PASSDSS-3DES-1",
    "SAML20",
    "OPENID20",
    "XYMCOOKIE",
    "CRAM-SHA1",
    "CRAM-SHA256",
    "SRP",
};

std::string_view find_mechanism(std::string_view word) {
    for (const std::string_view name : mechanisms)
        if (equals_ignoring_case(name, word)) return name;
    return {};
}

bool contains(std::string_view text, std::string_view part) {
    return find_ignoring_case(text, part) != text.npos;
}

/// nullopt unless all of it is base64.
std::optional<std::string> decode(std::string_view text) {
    mime::Base64Decoder decoder;
    std::string out;
    decoder.decode(text, out);
    decoder.finish(out);
    if (decoder.take_error()) return std::nullopt;
    return out;
}

/// The text between the first `key` and the next `end`.
std::string_view between(std::string_view text, std::string_view key, char end) {
    const std::size_t begin = text.find(key);
    if (begin == text.npos) return {};
    text.remove_prefix(begin + key.size());
    const std::size_t length = text.find(end);
    return length == text.npos ? std::string_view{} : text.substr(0, length);
}

/// RFC 4616: authorization identity, NUL, user, NUL, password. With one NUL less or more, any part may be the password.
std::string_view user_of_plain(std::string_view message) {
    if (std::count(message.begin(), message.end(), '\0') != 2 || message.back() == '\0') return {};
    const std::size_t first = message.find('\0');
    return message.substr(first + 1, message.find('\0', first + 1) - first - 1);
}

/// RFC 2195: user, blank, digest of 32 hexadecimal digits (40 or 64 with the SHA variants).
std::string_view user_of_cram(std::string_view message) {
    const std::size_t blank = message.rfind(' ');
    if (blank == message.npos || message.size() - blank - 1 < 32) return {};
    return message.substr(0, blank);
}

/// A name in the header of RFC 5801, where `=2C` is a comma and `=3D` an equals sign.
std::string unescape_gs2(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const std::string_view three = name.substr(i, 3);
        if (three == "=2C" || three == "=3D") {
            out += three == "=2C" ? ',' : '=';
            i += 2;
        } else {
            out += name[i];
        }
    }
    return out;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
    return value;
}

/// The user name of an AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3), if it is ASCII.
std::string user_of_ntlm(std::string_view message) {
    constexpr std::string_view signature{"NTLMSSP\0\3\0\0\0", 12};
    constexpr std::size_t user_fields = 36, flags_at = 60, header = 64;
    if (message.size() < header || !message.starts_with(signature)) return {};
    const std::size_t length = little_endian(message, user_fields, 2);
    const std::size_t offset = little_endian(message, user_fields + 4, 4);
    if (offset > message.size() || length > message.size() - offset) return {};
    const bool unicode = (little_endian(message, flags_at, 4) & 1) != 0;
    std::string out;
    for (std::size_t i = 0; i < length; i += unicode ? 2 : 1) {
        if (unicode && (i + 1 == length || message[offset + i + 1] != '\0')) return {};
        out += message[offset + i];
    }
    return out;
}

std::string user_of(std::string_view mechanism, std::string_view message) {
    if (mechanism == "PLAIN") return std::string(user_of_plain(message));
    if (mechanism == "LOGIN" || mechanism == "EXTERNAL") return std::string(message);
    if (mechanism.starts_with("CRAM-")) return std::string(user_of_cram(message));
    if (mechanism == "DIGEST-MD5") return std::string(between(message, "username=\"", '"'));
    if (mechanism == "XOAUTH2") return message.starts_with("user=") ? std::string(between(message, "user=", '\1')) : "";
    if (mechanism == "OAUTHBEARER") return unescape_gs2(between(message.substr(0, message.find('\1')), ",a=", ','));
    if (mechanism.starts_with("SCRAM-")) return unescape_gs2(between(message, ",n=", ','));
    if (mechanism == "NTLM") return user_of_ntlm(message);
    return {};
}

bool is_presentable(std::string_view user) {
    return user.size() <= AuthDialogue::max_user_length &&
           std::none_of(user.begin(), user.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
}

}  // namespace

AuthDialogue::AuthDialogue(std::string_view arguments) {
    const std::size_t blank = arguments.find_first_of(" \t");
    mechanism_ = find_mechanism(arguments.substr(0, blank));
    if (blank == arguments.npos) return;
    arguments.remove_prefix(blank);
    arguments.remove_prefix(std::min(arguments.find_first_not_of(" \t"), arguments.size()));
    arguments = arguments.substr(0, arguments.find_last_not_of(" \t") + 1);
    if (!arguments.empty()) answer(arguments);
}

void AuthDialogue::challenge(std::string_view text) {
    // The prompt says what is asked for, because some servers use another order.
    const auto prompt = decode(text);
    secret_asked_ = (prompt && contains(*prompt, "PASS")) || contains(text, "PASSWORD");
}

void AuthDialogue::answer(std::string_view line) {
    // NTLM and the mechanisms that the server begins name the user in a later message.
    const bool first_only = mechanism_ == "LOGIN" || mechanism_ == "PLAIN" || mechanism_ == "EXTERNAL";
    if (!user_.empty() || secret_asked_ || (first_only && answered_) || line == "=" || line == "*") return;
    answered_ = true;
    const auto message = decode(line);
    if (!message || message->empty()) return;
    std::string user = user_of(mechanism_, *message);
    if (is_presentable(user)) user_ = std::move(user);
}

}  // namespace smtpscope::smtp
