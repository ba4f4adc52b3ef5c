// SPDX-License-Identifier: BSD-3-Clause
#include "tls/beginning.h"

#include "catch.h"

using smtpscope::tls::Beginning;

TEST_CASE("where TLS begins", "[tls]") {
    const struct {
        const char* name;
        std::string_view before, bytes;
        Beginning expected;
    } rows[] = {
        {"a handshake's record", "", "\x16\x03\x01\x02", Beginning::yes},
        {"the two bytes that matter", "", "\x16\x03", Beginning::yes},
        {"torn between them", "\x16", "\x03\x01", Beginning::yes},
        {"the first alone", "", "\x16", Beginning::perhaps},
        {"nothing yet", "", "", Beginning::perhaps},
        {"nothing new", "\x16", "", Beginning::perhaps},
        {"another second byte", "\x16", "\x02", Beginning::no},
        {"another version", "", "\x16\x02\x00", Beginning::no},
        {"another record: an alert", "", "\x15\x03\x01", Beginning::no},
        {"a command", "", "EHLO c", Beginning::no},
        {"a command's middle", "EH", "\x16\x03", Beginning::no},
        {"it has begun before", "\x16\x03", "\x01", Beginning::no},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(smtpscope::tls::begins(row.before, row.bytes) == row.expected);
    }
}
