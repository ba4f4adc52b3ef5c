// SPDX-License-Identifier: BSD-3-Clause
// The handshake of TLS (RFC 8446, RFC 5246 and their predecessors) as an observer between both ends sees it: what the
// hellos say before encryption begins, and whether both sides continued.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpscope/records.h"
#include "smtpscope/side.h"

namespace smtpscope::tls {

class Handshake {
  public:
    static constexpr std::size_t max_message = 65536;    ///< bytes of a message that is read; longer ones are skipped
    static constexpr std::uint64_t max_bytes = 1 << 20;  ///< of one side; a handshake that takes more is given up

    /// The next bytes of a side, cut anywhere; orig is the client.
    void data(Side side, std::string_view bytes);
    /// Bytes are lost: nothing more can be read from this side.
    void gap(Side side);

    /// Nothing more is to be learned: both sides are encrypted, or one gave up, or it is not TLS.
    bool done() const;
    /// A hello was read.
    bool recognized() const { return client_hello_ || server_hello_; }
    /// Fills in what is known; other fields stay as they are.
    void fill(SslInfo& rec) const;

  private:
    /// One direction. Records and messages are cut independently of each other.
    struct Half {
        std::uint64_t seen = 0;
        std::string header;           ///< of the record that begins; for an alert, its content too
        std::size_t record_left = 0;  ///< bytes of the current record to come
        std::uint8_t record_type = 0;
        std::string message;           ///< handshake message so far, its header included
        std::size_t message_left = 0;  ///< bytes to skip of a message that is not read
        bool encrypted = false;
        bool over = false;  ///< nothing more can be read
    };

    Half& half(Side s) { return halves_[index(s)]; }
    void begin_record(Side side, Half& h);
    void payload(Side side, Half& h, std::string_view bytes);
    void handshake_bytes(Side side, Half& h, std::string_view bytes);
    void message(Side side, Half& h, std::uint8_t type, std::string_view body);
    void client_hello(std::string_view body);
    void server_hello(std::string_view body);
    void server_key_exchange(std::string_view body);
    void client_extension(std::uint16_t type, std::string_view body);
    void server_extension(std::uint16_t type, std::string_view body);
    void encrypt(Side side, Half& h);
    void encrypted_record();
    void alert(std::string_view bytes);

    std::array<Half, 2> halves_;
    std::optional<std::uint16_t> version_, cipher_, curve_;
    std::optional<std::uint8_t> alert_;
    std::optional<std::string> server_name_, next_protocol_;
    std::string session_id_;  ///< of the session that the client asked to resume
    bool client_hello_ = false;
    bool server_hello_ = false;
    bool ticket_offered_ = false;
    bool psk_offered_ = false;
    bool key_exchange_seen_ = false;  ///< the client's
    bool resumed_ = false;
    bool established_ = false;
    bool failed_ = false;  ///< a fatal alert
};

}  // namespace smtpscope::tls
