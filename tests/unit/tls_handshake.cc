// SPDX-License-Identifier: BSD-3-Clause
// What handshakes tell, version by version, however they are cut.
#include <string>
#include <vector>

#include "catch.h"
#include "tls/handshake.h"
#include "tls/names.h"

using namespace smtpscope;
using namespace smtpscope::tls;
using namespace std::string_literals;

namespace {

std::string number(std::size_t value, int size) {
    std::string out;
    for (int i = size - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
    return out;
}
std::string vector(const std::string& bytes, int size) {
    return number(bytes.size(), size) + bytes;
}
std::string extension(std::size_t type, const std::string& body) {
    return number(type, 2) + vector(body, 2);
}
std::string message(std::size_t type, const std::string& body) {
    return number(type, 1) + vector(body, 3);
}
std::string record(std::size_t type, const std::string& body) {
    return number(type, 1) + "\3\3" + vector(body, 2);
}

const std::string server_name = extension(0, vector("\0"s + vector("mx.example", 2), 2));
const std::string retry_random =
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
    "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";

std::string client_hello(const std::string& extensions, const std::string& id = {}) {
    return message(1, "\3\3" + std::string(32, 'r') + vector(id, 1) + vector("\xc0\x2f", 2) + vector("\0"s, 1) +
                          vector(extensions, 2));
}
std::string server_hello(std::size_t version, std::size_t cipher, const std::string& extensions,
                         const std::string& id = {}, const std::string& random = std::string(32, 'R')) {
    return message(2, number(version, 2) + random + vector(id, 1) + number(cipher, 2) + "\0"s + vector(extensions, 2));
}
std::string curve_params() {
    return message(12, "\3" + number(29, 2) + vector(std::string(32, 'p'), 1) + std::string(70, 's'));
}
const std::string ccs = record(20, "\1"), data = record(23, "encrypted"),
                  finished = record(22, std::string(40, '\xee'));

struct Turn {
    Side side;
    std::string bytes;
};
using Turns = std::vector<Turn>;

Turn C(std::string bytes) {
    return {Side::orig, std::move(bytes)};
}
Turn S(std::string bytes) {
    return {Side::resp, std::move(bytes)};
}

std::string text_of(const Handshake& h) {
    SslInfo rec;
    h.fill(rec);
    std::string out = rec.version.value_or("-") + " " + rec.cipher.value_or("-") + " " + rec.curve.value_or("-") + " " +
                      rec.server_name.value_or("-");
    if (rec.next_protocol) out += " alpn=" + *rec.next_protocol;
    if (rec.last_alert) out += " alert=" + *rec.last_alert;
    if (rec.resumed) out += " resumed";
    if (rec.established) out += " established";
    if (!h.done()) out += " open";
    return h.recognized() ? out : "nothing" + std::string(h.done() ? "" : " open");
}

std::string read(const Turns& turns, std::size_t step) {
    Handshake h;
    for (const Turn& t : turns)
        for (std::size_t i = 0; i < t.bytes.size(); i += step)
            h.data(t.side, std::string_view(t.bytes).substr(i, step));
    return text_of(h);
}

/// The same handshake messages in records of `size` bytes.
std::string in_records(const std::string& messages, std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < messages.size(); i += size) out += record(22, messages.substr(i, size));
    return out;
}

}  // namespace

TEST_CASE("handshakes of every version", "[tls]") {
    const std::string id(32, 'i');
    const std::string key_share = extension(51, number(29, 2) + vector(std::string(32, 'k'), 2));
    const std::string tls13 = extension(43, "\3\4") + key_share;
    const std::string certificate = message(11, std::string(3000, 'c')), done = message(14, "");
    const std::string key_exchange = message(16, std::string(33, 'k'));
    const std::string ticket = extension(35, "ticket"), psk = extension(41, "psk");
    const struct {
        const char* name;
        Turns turns;
        std::string text;
    } rows[] = {
        {"1.2",
         {C(record(22, client_hello(server_name))),
          S(record(22, server_hello(0x0303, 0xc02f, {}) + certificate + curve_params() + done)),
          C(record(22, key_exchange) + ccs + finished), S(ccs + finished)},
         "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 x25519 mx.example established"},
        {"1.0, without anything",
         {C(record(22, client_hello({}))), S(record(22, server_hello(0x0301, 0x0035, {}) + certificate + done)),
          C(record(22, key_exchange) + ccs + finished), S(ccs + finished)},
         "TLSv10 TLS_RSA_WITH_AES_256_CBC_SHA - - established"},
        {"1.2, resumed by its id",
         {C(record(22, client_hello(server_name, id))),
          S(record(22, server_hello(0x0303, 0xc02f, {}, id)) + ccs + finished), C(ccs + finished)},
         "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 - mx.example resumed established"},
        {"1.2, resumed by a ticket",
         {C(record(22, client_hello(ticket))), S(record(22, server_hello(0x0303, 0xc02f, {})) + ccs + finished),
          C(ccs + finished)},
         "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 - - resumed established"},
        {"1.2, a ticket that is not taken",
         {C(record(22, client_hello(ticket))), S(record(22, server_hello(0x0303, 0xc02f, {}) + certificate + done)),
          C(record(22, key_exchange) + ccs + finished), S(ccs + finished)},
         "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 - - established"},
        {"1.3",
         {C(record(22, client_hello(server_name, id))),
          S(record(22, server_hello(0x0303, 0x1302, tls13, id)) + ccs + data), C(ccs + data)},
         "TLSv13 TLS_AES_256_GCM_SHA384 x25519 mx.example established"},
        {"1.3 without the change of cipher that nobody needs",
         {C(record(22, client_hello({}))), S(record(22, server_hello(0x0303, 0x1301, tls13)) + data), C(data)},
         "TLSv13 TLS_AES_128_GCM_SHA256 x25519 - established"},
        {"1.3, resumed",
         {C(record(22, client_hello(psk, id))),
          S(record(22, server_hello(0x0303, 0x1301, tls13 + psk, id)) + ccs + data), C(ccs + data)},
         "TLSv13 TLS_AES_128_GCM_SHA256 x25519 - resumed established"},
        {"1.3, asked again",
         {C(record(22, client_hello({}, id))),
          S(record(22, server_hello(0x0303, 0x1301, extension(43, "\3\4") + extension(51, number(24, 2)), id,
                                    retry_random)) +
            ccs),
          C(ccs + record(22, client_hello({}, id))), S(record(22, server_hello(0x0303, 0x1301, tls13, id)) + data)},
         "TLSv13 TLS_AES_128_GCM_SHA256 secp384r1 - established"},
        {"a protocol is agreed on",
         {C(record(22, client_hello({}))),
          S(record(22, server_hello(0x0303, 0xc02f, extension(16, vector(vector("smtp", 1), 2)))))},
         "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 - - alpn=smtp open"},
        {"refused",
         {C(record(22, client_hello(server_name))), S(record(21, "\2\x28"))},
         "- - - mx.example alert=handshake_failure"},
        {"a warning is no end",
         {C(record(22, client_hello({}))), S(record(21, "\1\x70"))},
         "- - - - alert=unrecognized_name open"},
        {"a cipher that nobody knows",
         {S(record(22, server_hello(0x0303, 0xfefe, {})))},
         "TLSv12 unknown-65278 - - open"},
        {"no TLS", {C("EHLO c\r\n")}, "nothing"},
        {"no handshake", {C(record(22, message(14, "")))}, "nothing"},
        {"nothing yet", {C("\x16\3"s)}, "nothing open"},
        {"a record that is too long", {C("\x16\3\1\xff\xff"s)}, "nothing"},
        {"a hello that is cut off", {C(record(22, message(1, "\3\3short")))}, "nothing"},
        {"a long message is not kept", {C(record(22, "\1\x10\0\0"s + std::string(100, 'x')))}, "nothing"},
    };
    for (const auto& r : rows)
        for (const std::size_t step : {1U, 7U, 100000U}) {
            INFO(r.name << ", " << step);
            CHECK(read(r.turns, step) == r.text);
        }
    const std::string messages = server_hello(0x0303, 0xc02f, {}) + certificate + curve_params() + done;
    for (const std::size_t size : {1U, 3U, 100U, 16384U})
        CHECK(read({C(record(22, client_hello({}))), S(in_records(messages, size))}, 100000) ==
              "TLSv12 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 x25519 - open");
}

TEST_CASE("a handshake has an end, even if it does not come to one", "[tls]") {
    Handshake h;
    h.data(Side::orig, record(22, client_hello(server_name)));
    CHECK_FALSE(h.done());
    h.gap(Side::resp);
    CHECK_FALSE(h.done());
    h.gap(Side::orig);
    CHECK(h.done());

    Handshake endless;
    endless.data(Side::orig, record(22, client_hello(server_name)));
    endless.data(Side::resp, record(22, server_hello(0x0303, 0xc02f, {})));
    const std::string certificates = record(22, message(11, std::string(16000, 'c')));
    for (std::uint64_t sent = 0; sent <= Handshake::max_bytes; sent += certificates.size()) {
        endless.data(Side::orig, certificates);
        endless.data(Side::resp, certificates);
    }
    CHECK(endless.done());
}

TEST_CASE("names of numbers in handshakes", "[tls]") {
    CHECK(version_name(0x0300) == "SSLv3");
    CHECK(version_name(0x7f1c) == "TLSv13-draft28");
    CHECK(version_name(0x0399) == "unknown-921");
    CHECK(cipher_name(0x1303) == "TLS_CHACHA20_POLY1305_SHA256");
    CHECK(cipher_name(0x0000) == "TLS_NULL_WITH_NULL_NULL");
    CHECK(curve_name(4588) == "X25519MLKEM768");
    CHECK(alert_name(40) == "handshake_failure");
    CHECK(alert_name(200) == "unknown-200");
}
