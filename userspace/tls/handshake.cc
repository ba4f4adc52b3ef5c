// SPDX-License-Identifier: BSD-3-Clause
#include "tls/handshake.h"

#include <algorithm>

#include "tls/names.h"

namespace smtpscope::tls {

namespace {

constexpr std::size_t record_header = 5, message_header = 4;
constexpr std::size_t max_record = (std::size_t{1} << 14) + 2048;  // RFC 5246, 6.2.3
constexpr std::size_t max_name = 255;

enum Content : std::uint8_t { change_cipher_spec = 20, alert_content = 21, handshake = 22, application_data = 23 };
enum Message : std::uint8_t {
    client_hello_message = 1,
    server_hello_message = 2,
    server_key_exchange_message = 12,
    client_key_exchange = 16
};
enum Extension : std::uint16_t {
    server_name = 0,
    application_protocol = 16,
    session_ticket = 35,
    pre_shared_key = 41,
    supported_versions = 43,
    key_share = 51
};

std::uint8_t octet(char c) {
    return static_cast<std::uint8_t>(c);
}

/// Takes fields from the front of a message; past its end all fields are empty, and `good` is false.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::string_view bytes(std::size_t n) {
        if (n > text_.size()) good_ = false;
        const std::string_view out = text_.substr(0, good_ ? n : 0);
        text_.remove_prefix(out.size());
        return out;
    }
    std::uint32_t number(std::size_t size) {
        std::uint32_t value = 0;
        for (const char c : bytes(size)) value = value << 8 | octet(c);
        return value;
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    /// A vector with its length in `size` bytes before it.
    std::string_view vector(std::size_t size) { return bytes(number(size)); }
    bool good() const { return good_; }
    bool empty() const { return text_.empty() || !good_; }

  private:
    std::string_view text_;
    bool good_ = true;
};

/// RFC 8446, 4.1.3: this random in a ServerHello asks for another ClientHello.
bool is_retry_request(std::string_view random) {
    constexpr std::string_view value{
        "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
        "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c",
        32};
    return random == value;
}

bool is_read(std::uint8_t message) {
    return message == client_hello_message || message == server_hello_message || message == server_key_exchange_message;
}

template <class Each>
void each_extension(Reader& reader, Each each) {
    if (reader.empty()) return;
    Reader extensions(reader.vector(2));
    while (!extensions.empty()) {
        const std::uint16_t type = extensions.u16();
        const std::string_view body = extensions.vector(2);
        if (extensions.good()) each(type, body);
    }
}

}  // namespace

void Handshake::data(Side side, std::string_view bytes) {
    Half& h = half(side);
    h.seen += bytes.size();
    while (!bytes.empty() && !h.over && !done()) {
        if (h.record_left == 0) {
            const std::string_view part = bytes.substr(0, record_header - h.header.size());
            h.header += part;
            bytes.remove_prefix(part.size());
            if (h.header.size() == record_header) begin_record(side, h);
            continue;
        }
        const std::string_view part = bytes.substr(0, h.record_left);
        bytes.remove_prefix(part.size());
        h.record_left -= part.size();
        payload(side, h, part);
    }
    if (h.seen > max_bytes) h.over = true;
}

void Handshake::gap(Side side) {
    Half& h = half(side);
    h.over = true;
    h.message = {};
}

bool Handshake::done() const {
    if (established_ || failed_) return true;
    // If one side cannot be read, what the other says may still be useful.
    return (halves_[0].over && halves_[1].over) || ((halves_[0].over || halves_[1].over) && !recognized());
}

void Handshake::begin_record(Side side, Half& h) {
    Reader reader(h.header);
    h.record_type = static_cast<std::uint8_t>(reader.number(1));
    const std::uint16_t version = reader.u16();
    h.record_left = reader.u16();
    h.header.clear();
    const bool known = h.record_type >= change_cipher_spec && h.record_type <= application_data;
    if (!known || version >> 8 != 3 || h.record_left > max_record) {
        h.over = true;
        return;
    }
    if (h.encrypted) return encrypted_record();
    if (h.record_type == change_cipher_spec) return encrypt(side, h);
    if (h.record_type == application_data) {
        // In TLS 1.3 the rest of the handshake looks like this (RFC 8446, 5.2).
        encrypt(side, h);
        encrypted_record();
    }
}

void Handshake::payload(Side side, Half& h, std::string_view bytes) {
    if (h.encrypted) return;
    if (h.record_type == handshake) handshake_bytes(side, h, bytes);
    if (h.record_type != alert_content) return;
    h.message += bytes;
    if (h.record_left > 0) return;
    alert(h.message);
    h.message.clear();
}

void Handshake::handshake_bytes(Side side, Half& h, std::string_view bytes) {
    while (!bytes.empty() && !h.over) {
        if (h.message_left > 0) {
            const std::size_t skipped = std::min(h.message_left, bytes.size());
            bytes.remove_prefix(skipped);
            h.message_left -= skipped;
            continue;
        }
        std::size_t wanted = message_header;
        if (h.message.size() >= message_header) wanted += Reader(std::string_view(h.message).substr(1)).number(3);
        const std::string_view part = bytes.substr(0, wanted - h.message.size());
        h.message += part;
        bytes.remove_prefix(part.size());
        if (h.message.size() < message_header) return;
        const std::uint8_t type = octet(h.message[0]);
        const std::size_t length = Reader(std::string_view(h.message).substr(1)).number(3);
        if (!is_read(type) || length > max_message) {
            message(side, h, type, {});
            h.message_left = length;
            h.message.clear();
        } else if (h.message.size() == message_header + length) {
            message(side, h, type, std::string_view(h.message).substr(message_header));
            h.message.clear();
        }
    }
}

void Handshake::message(Side side, Half& h, std::uint8_t type, std::string_view body) {
    if (side == Side::orig) {
        if (type == client_hello_message && !body.empty()) client_hello(body);
        key_exchange_seen_ |= type == client_key_exchange;
    } else {
        if (type == server_hello_message && !body.empty()) server_hello(body);
        if (type == server_key_exchange_message) server_key_exchange(body);
    }
    if (!recognized()) h.over = true;  // TLS begins with a hello: this is something else
}

void Handshake::client_hello(std::string_view body) {
    Reader reader(body);
    reader.bytes(2 + 32);  // version and random
    const std::string_view id = reader.vector(1);
    reader.vector(2);  // cipher suites
    reader.vector(1);  // compression methods
    if (!reader.good()) return;
    client_hello_ = true;
    const bool empty = std::all_of(id.begin(), id.end(), [](char c) { return c == '\0'; });
    session_id_ = empty ? std::string_view() : id;
    each_extension(reader, [this](std::uint16_t type, std::string_view value) { client_extension(type, value); });
    // With a session id the server's answer shows whether it was resumed; with only a ticket, how the client continues
    // does.
    ticket_offered_ = ticket_offered_ && session_id_.empty();
}

void Handshake::client_extension(std::uint16_t type, std::string_view body) {
    if (type == session_ticket) ticket_offered_ = !body.empty();
    if (type == pre_shared_key) psk_offered_ = true;
    if (type != server_name) return;
    Reader names(Reader(body).vector(2));
    const bool host_name = names.number(1) == 0;
    const std::string_view name = names.vector(2);
    if (host_name && names.good() && !name.empty()) server_name_ = name.substr(0, max_name);
}

void Handshake::server_hello(std::string_view body) {
    Reader reader(body);
    const std::uint16_t version = reader.u16();
    const std::string_view random = reader.bytes(32);
    const std::string_view id = reader.vector(1);
    const std::uint16_t cipher = reader.u16();
    reader.bytes(1);  // compression method
    if (!reader.good()) return;
    server_hello_ = true;
    version_ = version;
    cipher_ = cipher;
    each_extension(reader, [this](std::uint16_t type, std::string_view value) { server_extension(type, value); });
    if (is_retry_request(random)) return;
    if (!is_tls13(*version_) && !session_id_.empty() && session_id_ == id) resumed_ = true;
}

void Handshake::server_extension(std::uint16_t type, std::string_view body) {
    Reader reader(body);
    switch (type) {
        case supported_versions:
            if (const std::uint16_t version = reader.u16(); reader.good()) version_ = version;
            break;
        case key_share:
            if (const std::uint16_t group = reader.u16(); reader.good()) curve_ = group;
            break;
        case application_protocol: {
            Reader protocols(reader.vector(2));
            const std::string_view name = protocols.vector(1);
            if (protocols.good() && !name.empty()) next_protocol_ = name;
            break;
        }
        case pre_shared_key:
            resumed_ |= psk_offered_;
            break;
        default:
            break;
    }
}

void Handshake::server_key_exchange(std::string_view body) {
    constexpr std::uint32_t named_curve = 3;  // RFC 8422, 5.4
    if (!cipher_ || cipher_name(*cipher_).find("ECDH") == std::string::npos) return;
    Reader reader(body);
    const bool named = reader.number(1) == named_curve;
    const std::uint16_t curve = reader.u16();
    if (named && reader.good()) curve_ = curve;
}

void Handshake::encrypt(Side side, Half& h) {
    h.encrypted = true;
    h.message = {};
    // RFC 5077, 3.1: a client whose ticket was accepted does not exchange keys.
    if (side == Side::orig && ticket_offered_ && !key_exchange_seen_ && version_ && !is_tls13(*version_))
        resumed_ = true;
}

void Handshake::encrypted_record() {
    established_ |= halves_[0].encrypted && halves_[1].encrypted && server_hello_;
}

void Handshake::alert(std::string_view bytes) {
    constexpr std::uint8_t fatal = 2;
    if (bytes.size() != 2) return;
    alert_ = octet(bytes[1]);
    failed_ |= octet(bytes[0]) == fatal;
}

void Handshake::fill(SslInfo& rec) const {
    if (version_) rec.version = version_name(*version_);
    if (cipher_) rec.cipher = cipher_name(*cipher_);
    if (curve_) rec.curve = curve_name(*curve_);
    if (alert_) rec.last_alert = alert_name(*alert_);
    if (server_name_) rec.server_name = server_name_;
    if (next_protocol_) rec.next_protocol = next_protocol_;
    rec.resumed = resumed_;
    rec.established = established_;
}

}  // namespace smtpscope::tls
