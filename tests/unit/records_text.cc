// SPDX-License-Identifier: BSD-3-Clause
// Addresses in text, sets of strings, and a record in one line.
#include <algorithm>
#include <ctime>
#include <string>

#include "catch.h"
#include "skip.h"
#include "smtpscope/records.h"
#include "smtpscope/text.h"

using namespace smtpscope;

namespace {

using Strings = std::vector<std::string>;

struct Row {
    std::string in;
    Strings out;
};

}  // namespace

TEST_CASE("mail addresses in arguments of commands", "[records]") {
    const Row rows[] = {
        {"FROM:<a@b.c>", {"a@b.c"}},
        {"FROM: <a@b.c>", {"a@b.c"}},
        {"FROM:a@b.c", {"a@b.c"}},
        {"FROM: a@b.c SIZE=10", {"a@b.c"}},
        {"<a@b> <c@d>", {"a@b", "c@d"}},
        {"a@b,c@d;e@f", {"a@b", "c@d", "e@f"}},
        {"a@b, c@d", {"a@b", "c@d"}},
        {"<@relay,@other:a@b>", {"a@b"}},
        {"<a@b@c>", {"a@b@c"}},
        {"TO:<a@b> ORCPT=rfc822;c@d", {"a@b", "ORCPT=rfc822c@d"}},
        {"<>", {}},
        {"", {}},
        {"@", {}},
        {"a@", {}},
        {"@b", {}},
        {"<a@>", {}},
        {"<postmaster>", {}},
        {"a b c", {}},
        {"a @b", {}},
        {"a@ b", {}},
        {"\ta@b\t", {"a@b"}},
    };
    for (const Row& r : rows) {
        INFO(r.in);
        CHECK(extract_email_addrs(r.in) == r.out);
        CHECK(extract_first_email_addr(r.in) == (r.out.empty() ? "" : r.out[0]));
    }
}

TEST_CASE("mailboxes of header fields", "[records]") {
    const Row rows[] = {
        {"a@b", {"a@b"}},
        {"<a@b>", {"<a@b>"}},
        {"A <a@b>, B <c@d>", {"A <a@b>", "B <c@d>"}},
        {"\"A, the first\" <a@b>, c@d", {"\"A, the first\" <a@b>", "c@d"}},
        {"  a@b  ,  c@d  ", {"a@b", "c@d"}},
        {"a@b,,c@d,", {"a@b", "c@d"}},
        {"nobody, a@b", {"a@b"}},
        {"undisclosed-recipients:;", {}},
        {"group: a@b, c@d;", {"group: a@b", "c@d;"}},
        {"", {}},
        {",", {}},
        {"@", {}},
        {"a@", {}},
        {"@b", {}},
    };
    for (const Row& r : rows) {
        INFO(r.in);
        CHECK(split_mime_email_addresses(r.in) == r.out);
    }
}

TEST_CASE("IP addresses in text", "[records]") {
    struct IpRow {
        std::string in;
        Strings any, wrapped;
    };
    const IpRow rows[] = {
        {"192.0.2.1", {"192.0.2.1"}, {"192.0.2.1"}},
        {"[192.0.2.1]", {"192.0.2.1"}, {"192.0.2.1"}},
        {"(192.0.2.1)", {"192.0.2.1"}, {"192.0.2.1"}},
        {"{192.0.2.1}", {"192.0.2.1"}, {"192.0.2.1"}},
        {"x 192.0.2.1 y", {"192.0.2.1"}, {"192.0.2.1"}},
        {"from x ([192.0.2.1]) by y (198.51.100.2)", {"192.0.2.1", "198.51.100.2"}, {"192.0.2.1", "198.51.100.2"}},
        {"[192.0.2.1)", {"192.0.2.1"}, {}},
        {"x192.0.2.1y", {"192.0.2.1"}, {}},
        {"ip=192.0.2.1;", {"192.0.2.1"}, {}},
        {"192.0.2.1 x", {"192.0.2.1"}, {}},
        {"[2001:db8::1]", {"2001:db8::1"}, {"2001:db8::1"}},
        {"2001:db8:1:2:3:4:5:6", {"2001:db8:1:2:3:4:5:6"}, {"2001:db8:1:2:3:4:5:6"}},
        {"[::1]", {"::1"}, {"::1"}},
        {"[::]", {"::"}, {"::"}},
        {"[::ffff:192.0.2.1]", {"::ffff:192.0.2.1"}, {"::ffff:192.0.2.1"}},
        {"[fe80::1:2]", {"fe80::1:2"}, {"fe80::1:2"}},
        {"[1::]", {"1::"}, {"1::"}},
        {"256.1.1.1", {"56.1.1.1"}, {}},
        // Address literals (RFC 5321, 4.1.3): the tag is not of the address.
        {"[IPv6:2001:db8::1]", {"2001:db8::1"}, {"2001:db8::1"}},
        {"IPv6:2001:db8::1", {"2001:db8::1"}, {"2001:db8::1"}},
        {"[ipv6:::1]", {"::1"}, {"::1"}},
        {"(x [IPV6:::ffff:192.0.2.1])", {"::ffff:192.0.2.1"}, {"::ffff:192.0.2.1"}},
        {"x IPv6:2001:db8::1 y", {"2001:db8::1"}, {"2001:db8::1"}},
        {"[IPv6:1:2:3:4:5:6:7:8]", {"1:2:3:4:5:6:7:8"}, {"1:2:3:4:5:6:7:8"}},
        {"192.0.2.1IPv6:::1]", {"192.0.2.1", "::1"}, {}},
        {"[IPv6:]", {}, {}},
        {"[IPv6:2001:db8::1)", {"2001:db8::1"}, {}},
        {"[v6:2001:db8::1]", {"6:2001:db8::1"}, {}},
        {"[6:2001:db8::1]", {"6:2001:db8::1"}, {"6:2001:db8::1"}},
        {"1.2.3", {}, {}},
        {"1.2.3.", {}, {}},
        {"12:34:56", {}, {}},
        {"Mon, 1 Jan 2024 10:20:30 +0100", {}, {}},
        {"", {}, {}},
        {":", {}, {}},
        {"abcdef", {}, {}},
    };
    for (const IpRow& r : rows) {
        INFO(r.in);
        const auto any = extract_ip_addresses(r.in, Wrapping::any);
        const auto wrapped = extract_ip_addresses(r.in, Wrapping::required);
        CHECK(Strings(any.begin(), any.end()) == r.any);
        CHECK(Strings(wrapped.begin(), wrapped.end()) == r.wrapped);
    }
}

TEST_CASE("extraction takes time in proportion to its input, whatever that is", "[records][timing]") {
    if (test::sanitized) return test::skip("a sanitizer has a sense of time of its own");
    const Strings hostile = {"\"",  ",",  "@",  ":",  "a",  "1",      ".", "<",        " ",     "\"@",   "a@",  "a@b,",
                             "\",", "1.", "1:", "::", "a:", "1.1.1.", "[", "[1.1.1.1", "1234:", "12345", "\"@,"};
    // Processor time, so that other processes do not count.
    const auto time = [](const std::string& pattern, std::size_t size) {
        std::string text;
        while (text.size() < size) text += pattern;
        std::clock_t best = 0;
        for (int round = 0; round < 3; ++round) {
            const std::clock_t begin = std::clock();
            const std::size_t found = extract_email_addrs(text).size() + extract_first_email_addr(text).size() +
                                      split_mime_email_addresses(text).size() +
                                      extract_ip_addresses(text, Wrapping::any).size() +
                                      extract_ip_addresses(text, Wrapping::required).size();
            const std::clock_t took = std::clock() - begin + (found > 4 * size ? 1 : 0);
            best = round == 0 ? took : std::min(best, took);
        }
        return static_cast<double>(best) + 1;
    };
    // Eight times the input; quadratic time would be 64 times as much. The results' memory takes more than its share
    // where it outgrows the caches. The small size keeps a failure from taking minutes.
    constexpr double most = 16;
    for (const std::size_t size : {std::size_t{1} << 17, std::size_t{1} << 20}) {
        for (const std::string& pattern : hostile) {
            INFO(pattern << ", " << size << " bytes");
            double ratio = 0;
            for (int attempt = 0; attempt < 10; ++attempt) {
                ratio = time(pattern, size) / time(pattern, size / 8);
                if (ratio <= most) break;
            }
            REQUIRE(ratio <= most);
        }
    }
}

TEST_CASE("a set of strings keeps their order, small and large", "[records]") {
    StringSet set;
    CHECK(set.empty());
    CHECK_FALSE(set.contains(""));
    for (int i = 0; i < 1000; ++i) {
        const std::string value = "r" + std::to_string(i * 7919 % 1000);
        CHECK(set.insert(value));
        CHECK_FALSE(set.insert(value));
        CHECK(set.contains(value));
        CHECK(set.size() == static_cast<std::size_t>(i) + 1);
    }
    CHECK_FALSE(set.contains("r1000"));
    CHECK(*set.begin() == "r0");
    int i = 0;
    for (const std::string& value : set) CHECK(value == "r" + std::to_string(i++ * 7919 % 1000));
    CHECK(i == 1000);
    StringSet copy = set;
    CHECK(copy == set);
    CHECK(copy.insert("new"));
    CHECK_FALSE(copy == set);
    CHECK(set.size() == 1000);
}
