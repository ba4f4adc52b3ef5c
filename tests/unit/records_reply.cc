// SPDX-License-Identifier: BSD-3-Clause
// What replies say beside their code.
#include <string>

#include "catch.h"
#include "records/community_id.h"
#include "records/reply.h"

using namespace smtpscope;
using namespace smtpscope::records;

namespace {

std::string text_of(std::optional<std::string_view> value) {
    return value ? std::string(*value) : "-";
}

}  // namespace

TEST_CASE("enhanced status codes", "[records]") {
    const struct {
        std::string text, status;  // `-`: none
    } rows[] = {
        {"2.0.0 Ok: queued as 1", "2.0.0"},
        {"5.1.1 <a@b>: Recipient address rejected", "5.1.1"},
        {"4.7.650 busy", "4.7.650"},
        {"2.1.5", "2.1.5"},
        {"2.0.0: 1234abcd Message accepted for delivery", "2.0.0"},
        {"Ok", "-"},
        {"", "-"},
        {"3.0.0 no such class", "-"},
        {"5.1 two numbers", "-"},
        {"5.1.1.1 four", "-"},
        {"5.1234.1 too long", "-"},
        {"5.01.1 leading zero", "-"},
        {"5..1 empty", "-"},
        {"5.1.1x glued", "-"},
        {"192.0.2.1 is an address", "-"},
        {" 5.1.1 not at the beginning", "-"},
    };
    for (const auto& r : rows) {
        INFO(r.text);
        CHECK(text_of(enhanced_status(r.text)) == r.status);
    }
}

TEST_CASE("queue ids of the servers that are in use", "[records]") {
    const struct {
        const char* server;
        std::string text, id;  // `-`: none
    } rows[] = {
        {"Postfix", "2.0.0 Ok: queued as 4Zx1Y20mKzz9rxN", "4Zx1Y20mKzz9rxN"},
        {"Postfix, short ids", "2.0.0 Ok: queued as 9D1F8401A2", "9D1F8401A2"},
        {"Postfix behind a filter", "2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 3A1B2", "3A1B2"},
        {"Exim", "OK id=1qLJ8g-0004Xc-2x", "1qLJ8g-0004Xc-2x"},
        {"Exim 4.97", "OK id=1rABCD-000000004xC-1Z2Y", "1rABCD-000000004xC-1Z2Y"},
        {"Sendmail", "2.0.0 3A8Ll0n4012345 Message accepted for delivery", "3A8Ll0n4012345"},
        {"OpenSMTPD", "2.0.0 5c1f2e7a Message accepted for delivery", "5c1f2e7a"},
        {"OpenSMTPD, older", "2.0.0: 5c1f2e7a Message accepted for delivery", "5c1f2e7a"},
        {"Exchange",
         "2.6.0 <1@x> [InternalId=30064771073, Hostname=MB01.example.com] 1480 bytes in 0.106, 13.6 KB/sec Queued mail "
         "for delivery",
         "30064771073"},
        {"Gmail", "2.0.0 OK  1732450000 a92af1059eb24-125a1b2c3d4si123456c88.12 - gsmtp",
         "a92af1059eb24-125a1b2c3d4si123456c88.12"},
        {"qmail", "ok 1732450000 qp 4711", "4711"},
        {"no id", "2.0.0 Ok", "-"},
        {"no id either", "Message accepted for delivery", "-"},
        {"a word is no id", "2.0.0 Ok: queued as usual", "-"},
        {"a word before it", "2.0.0 Great Message accepted for delivery", "-"},
        {"too long", "2.0.0 Ok: queued as 1" + std::string(200, 'a'), "-"},
        {"empty", "", "-"},
        {"cut off", "OK id=", "-"},
    };
    for (const auto& r : rows) {
        INFO(r.server);
        CHECK(text_of(queue_id(r.text)) == r.id);
    }
}

TEST_CASE("keywords of extensions", "[records]") {
    const struct {
        std::string line, keyword;
    } rows[] = {
        {"PIPELINING", "PIPELINING"},
        {"SIZE 10240000", "SIZE"},
        {"8BITMIME", "8BITMIME"},
        {"auth plain login", "AUTH"},
        {"AUTH=LOGIN", "AUTH"},
        {"XCLIENT NAME ADDR", "XCLIENT"},
        {"", ""},
        {"-x", ""},
        {"\x1b[2J", ""},
        {std::string(65, 'A'), ""},
    };
    for (const auto& r : rows) {
        INFO(r.line);
        CHECK(extension_keyword(r.line) == r.keyword);
    }
}

TEST_CASE("community ids", "[records]") {
    const auto id = [](const char* a, std::uint16_t ap, const char* b, std::uint16_t bp) {
        return community_id({*Address::parse(a), ap, *Address::parse(b), bp});
    };
    // From the specification's own examples for TCP.
    CHECK(id("128.232.110.120", 34855, "66.35.250.204", 80) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    CHECK(id("66.35.250.204", 80, "128.232.110.120", 34855) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    CHECK(id("192.0.2.1", 1, "192.0.2.1", 2) == id("192.0.2.1", 2, "192.0.2.1", 1));
    CHECK(id("2001:db8::1", 1, "2001:db8::2", 2) == id("2001:db8::2", 2, "2001:db8::1", 1));
    CHECK(id("2001:db8::1", 1, "2001:db8::2", 2) != id("2001:db8::1", 2, "2001:db8::2", 1));
}
