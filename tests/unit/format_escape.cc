// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.h"
#include "format/escape.h"
#include "format/number.h"

using namespace smtpscope;
using namespace smtpscope::format;
using namespace std::string_literals;

namespace {

std::string json(const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string tsv(const std::string& text, Within within = Within::field) {
    std::string out;
    append_tsv_string(out, text, within);
    return out;
}

std::string visible(const std::string& text) {
    std::string out;
    append_visible(out, text);
    return out;
}

struct Row {
    std::string in;
    std::string out;
};

}  // namespace

TEST_CASE("strings in JSON are the reference's", "[log]") {
    const Row rows[] = {
        {"", R"("")"},
        {"plain", R"("plain")"},
        {"eight ch", R"("eight ch")"},
        {"more than eight characters", R"("more than eight characters")"},
        {"a \"quoted\" word", R"("a \"quoted\" word")"},
        {"back\\slash", R"("back\\slash")"},
        {"slash/", R"("slash/")"},
        {"\b\f\n\r\t", R"("\b\f\n\r\t")"},
        // A string with any other control character is written in hexadecimal, all of it that is not ASCII.
        {"nul \0 byte"s, R"("nul \\x00 byte")"},
        {"\x1b[31m", R"("\\x1b[31m")"},
        {"delete\x7f", R"("delete\\x7f")"},
        {"\xc3\xbc", "\"\xc3\xbc\""},
        {"\xc3\xbc\x01", R"("\\xc3\\xbc\\x01")"},
        {"\x01\xc3\xbc", R"("\\x01\\xc3\\xbc")"},
        {"\xc3\xbc and \xff", R"("\\xc3\\xbc and \\xff")"},
        {"\xff\n\"", R"("\\xff\n\"")"},
        {"\\xff", R"("\\xff")"},
        // Table 3-7 of the Unicode standard.
        {"\xc2\x80", R"("\\xc2\\x80")"},  // well-formed, but a control character
        {"\xc2\xa0", "\"\xc2\xa0\""},
        {"\xc0\x80", R"("\\xc0\\x80")"},
        {"\xc1\xbf", R"("\\xc1\\xbf")"},
        {"\xe0\x9f\xbf", R"("\\xe0\\x9f\\xbf")"},
        {"\xe0\xa0\x80", "\"\xe0\xa0\x80\""},
        {"\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
        {"\xed\xa0\x80", R"("\\xed\\xa0\\x80")"},
        {"\xf0\x8f\xbf\xbf", R"("\\xf0\\x8f\\xbf\\xbf")"},
        {"\xf0\x9f\x93\xa7", "\"\xf0\x9f\x93\xa7\""},
        {"\xf4\x8f\xbf\xbd", "\"\xf4\x8f\xbf\xbd\""},
        {"\xf4\x90\x80\x80", R"("\\xf4\\x90\\x80\\x80")"},
        {"\xf8\x88\x80\x80\x80", R"("\\xf8\\x88\\x80\\x80\\x80")"},
        {"\xc3", R"("\\xc3")"},
        {"\xe2\x82", R"("\\xe2\\x82")"},
        {"\xf0\x9f\x93", R"("\\xf0\\x9f\\x93")"},
        {"\x80", R"("\\x80")"},
        {"\xe2\x28\xa1", R"("\\xe2(\\xa1")"},
        {"\xee\x80\x80", R"("\\xee\\x80\\x80")"},  // private use
        {"\xef\xa3\xbf", R"("\\xef\\xa3\\xbf")"},
        {"\xef\xa4\x80", "\"\xef\xa4\x80\""},
        {"\xef\xbf\xbd", R"("\\xef\\xbf\\xbd")"},  // U+FFFD
        {"\xef\xbf\xaf", "\"\xef\xbf\xaf\""},
    };
    for (const Row& row : rows) {
        INFO(row.out);
        CHECK(json(row.in) == row.out);
    }
}

TEST_CASE("a special byte is found wherever it stands", "[log]") {
    std::size_t tried = 0;
    for (std::size_t length = 2; length < 40; ++length)
        for (std::size_t at = 0; at < length; ++at)
            for (int byte = 0; byte < 256; ++byte, ++tried) {
                std::string text(length, 'a');
                text[at] = static_cast<char>(byte);
                const std::string j = json(text), t = tsv(text), s = tsv(text, Within::set);
                const bool printable = byte >= 0x20 && byte < 0x7f;
                const bool changed = j != "\"" + text + "\"";
                if (changed != (!printable || byte == '"' || byte == '\\')) FAIL(length << " " << at << " " << byte);
                if ((t != text) != (!printable || byte == '\\')) FAIL(length << " " << at << " " << byte);
                if ((s != text) != (!printable || byte == '\\' || byte == ',')) FAIL(length << " " << byte);
            }
    CHECK(tried == 256 * (2 + 39) * 38 / 2);
}

TEST_CASE("strings in TSV are the reference's", "[log]") {
    const Row rows[] = {
        {"", "(empty)"},
        {"-", "\\x2d"},
        {"--", "--"},
        {"(empty)", "\\x28empty)"},
        {"(empty) ", "(empty) "},
        {"plain", "plain"},
        {"tab\tbed", "tab\\x09bed"},
        {"line\nfeed\r", "line\\x0afeed\\x0d"},
        {"back\\slash", "back\\\\slash"},
        {"\\x09", "\\\\x09"},
        {"a,b", "a,b"},
        {"nul\0"s, "nul\\x00"},
        {"\xc3\xbc", "\xc3\xbc"},
        {"\xc3\xbc\xff", "\\xc3\\xbc\\xff"},
        // Separators part the string into pieces, each of which is kept or not by itself.
        {"\xc3\xbc\\\xff", "\xc3\xbc\\\\\\xff"},
        {"\xc3\xbc\t\xc3", "\xc3\xbc\\x09\\xc3"},
    };
    for (const Row& row : rows) {
        INFO(row.out);
        CHECK(tsv(row.in) == row.out);
    }
    CHECK(tsv("a,b", Within::set) == "a\\x2cb");
    CHECK(tsv("\xc3\xbc,\xff", Within::set) == "\xc3\xbc\\x2c\\xff");
    CHECK(tsv("-", Within::set) == "\\x2d");
}

TEST_CASE("what people see moves no cursor and ends no line", "[log]") {
    const Row rows[] = {
        {"plain", "plain"},
        {"\xc3\xbc \xf0\x9f\x93\xa7", "\xc3\xbc \xf0\x9f\x93\xa7"},
        {"a\nb", "a\\x0ab"},
        {"\x1b[2J", "\\x1b[2J"},
        {"\xc3\xbc\xff!", "\xc3\xbc\\xff!"},
        {"\xc2\x9b", "\\xc2\\x9b"},                    // CSI as a C1 control
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},           // line separator
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},           // right-to-left override
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},           // isolate
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},           // byte order mark
        {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},           // zero width
        {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},  // tag
        {"\xe2\x82", "\\xe2\\x82"},
    };
    for (const Row& row : rows) {
        INFO(row.out);
        CHECK(visible(row.in) == row.out);
    }
}

TEST_CASE("times are exact", "[log]") {
    struct Time {
        std::int64_t microseconds;
        const char* json;
        const char* tsv;
    };
    const Time rows[] = {
        {0, "0.0", "0.000000"},
        {1, "0.000001", "0.000001"},
        {1'254'722'768'219'663, "1254722768.219663", "1254722768.219663"},
        {1'785'968'796'472'850, "1785968796.47285", "1785968796.472850"},
        {1'000'000, "1.0", "1.000000"},
        {10'000'000, "10.0", "10.000000"},
        {1'500'000, "1.5", "1.500000"},
        {-1, "-0.000001", "-0.000001"},
        {-1'500'000, "-1.5", "-1.500000"},
        {4'294'967'295'999'999, "4294967295.999999", "4294967295.999999"},
    };
    for (const Time& row : rows) {
        std::string j, t;
        append_seconds(j, row.microseconds, Zeros::trim);
        append_seconds(t, row.microseconds, Zeros::keep);
        CHECK(j == row.json);
        CHECK(t == row.tsv);
    }
    std::string utc;
    append_utc(utc, from_nanoseconds(1'795'454'521'123'456'789));
    CHECK(utc == "2026-11-23T17:22:01.123456Z");
    utc.clear();
    append_utc(utc, from_nanoseconds(951'782'400'000'000'000));
    CHECK(utc == "2000-02-29T00:00:00.000000Z");
}

TEST_CASE("addresses are written as inet_ntop does", "[log]") {
    for (const char* text : {"0.0.0.0", "10.200.3.4", "255.255.255.255", "::", "::1", "2001:db8::1:0:0:1", "fe80::1"}) {
        std::string out;
        append_address(out, *Address::parse(text));
        CHECK(out == text);
    }
}
