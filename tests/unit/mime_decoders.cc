// SPDX-License-Identifier: BSD-3-Clause
// Base64, quoted-printable, encoded words, charsets and the names of files.
#include <string>

#include "catch.h"
#include "mime/base64.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/parameter.h"
#include "mime/quoted_printable.h"

using namespace smtpscope::mime;
using namespace std::string_literals;

namespace {

struct Decoded {
    std::string bytes, errors;
    void note(Base64Decoder& decoder) {
        if (const auto error = decoder.take_error()) errors += *error + "\n";
    }
};

/// In pieces of `step` bytes.
Decoded base64(const std::string& text, std::size_t step) {
    Base64Decoder decoder;
    Decoded out;
    for (std::size_t i = 0; i < text.size(); i += step) {
        decoder.decode(std::string_view(text).substr(i, step), out.bytes);
        out.note(decoder);
    }
    decoder.finish(out.bytes);
    out.note(decoder);
    return out;
}

}  // namespace

TEST_CASE("base64, however it is cut", "[mime]") {
    const struct {
        std::string text, bytes, errors;
    } rows[] = {
        {"", "", ""},
        {"QUJD", "ABC", ""},
        {"QUJDREVGR0hJSktMTU5P", "ABCDEFGHIJKLMNO", ""},
        {"QUI=", "AB", ""},
        {"QQ==", "A", ""},
        {"+/+/", "\xfb\xff\xbf", ""},
        {"AAAA", "\0\0\0"s, ""},
        {"QUJD\nREVG", "ABCDEF", "character 10 ignored by Base64 decoding\n"},
        {"Q U J D", "ABC", "character 32 ignored by Base64 decoding\n"},
        {"QUJD\xff\xfeREVG", "ABCDEF", "character 255 ignored by Base64 decoding\n"},
        {"QQ==QUJD", "A", "extra base64 groups after '=' padding are ignored\n"},
        {"QUJDR", "ABC\x44", "incomplete base64 group, padding with 18 bits of 0\n"},
        {"QUJDRE", "ABCD", "incomplete base64 group, padding with 12 bits of 0\n"},
        {"QUJDREU", "ABCDE", "incomplete base64 group, padding with 6 bits of 0\n"},
        {"!QUJDRE", "ABCD",
         "character 33 ignored by Base64 decoding\nincomplete base64 group, padding with 12 bits of 0\n"},
        {"====", "", ""},
    };
    for (const auto& r : rows)
        for (const std::size_t step : {1U, 2U, 3U, 5U, 8U, 100U}) {
            INFO(r.text << ", " << step);
            const Decoded got = base64(r.text, step);
            CHECK(got.bytes.size() <= r.bytes.size());  // one open character makes no octet
            CHECK(r.bytes.starts_with(got.bytes));
            CHECK((got.bytes == r.bytes || r.text.size() % 4 == 1));
            CHECK(got.errors == r.errors);
        }
}

TEST_CASE("base64 of many lines, with something odd anywhere", "[mime]") {
    std::string lines;
    for (std::size_t length : {76U, 76U, 4U, 8U, 0U, 33U, 64U, 76U, 3U, 32U})
        for (std::size_t i = 0; i < length + 2; ++i)
            lines += i < length ? "MzPa+/09"[i % 8] : i == length ? '\r' : '\n';
    for (std::size_t at = 0; at < lines.size(); ++at)
        for (const char odd : {'A', '=', '!', '-', '\xff'}) {
            std::string changed = lines;
            if (changed[at] != '\r' && changed[at] != '\n') changed[at] = odd;
            std::string text = changed;
            std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
            Base64Decoder decoder;
            Decoded got;
            CHECK(decoder.decode_lines(changed, got.bytes) == changed.size());
            got.note(decoder);
            decoder.finish(got.bytes);
            got.note(decoder);
            const Decoded wanted = base64(text, 1);
            if (got.bytes != wanted.bytes || got.errors != wanted.errors) FAIL(odd << " at " << at);
        }
    std::string out;
    CHECK(Base64Decoder().decode_lines("QUJD\r\n--b\r\n", out) == 6);
    CHECK(Base64Decoder().decode_lines("--b\r\n", out) == 0);
    CHECK(out == "ABC");
}

TEST_CASE("quoted-printable lines", "[mime]") {
    const struct {
        std::string line, bytes;
        bool ends;
    } rows[] = {
        {"", "", true},
        {"plain", "plain", true},
        {"a=3Db", "a=b", true},
        {"=C3=BC", "\xc3\xbc", true},
        {"=c3=bc", "\xc3\xbc", true},
        {"soft=", "soft", false},
        {"soft= \t", "soft", false},
        {"trailing \t ", "trailing", true},
        {"inner  blanks", "inner  blanks", true},
        {"=20", " ", true},
        {"=ZZ", "=ZZ", true},
        {"=4", "=4", true},
        {"=4=", "=4", false},
        {"==41", "=A", true},
        {"8\xfc"
         "bit",
         "8\xfc"
         "bit",
         true},
        {"=", "", false},
        {"=00", "\0"s, true},
    };
    for (const auto& r : rows) {
        INFO(r.line);
        std::string out = "before ";
        CHECK(decode_quoted_printable(r.line, out) == r.ends);
        CHECK(out == "before " + r.bytes);
    }
}

TEST_CASE("charsets to UTF-8", "[mime]") {
    const struct {
        std::string charset, bytes;
        const char* text;  // nullptr: no such charset
    } rows[] = {
        {"utf-8", "\xc3\xbc", "ü"},
        {"UTF-8", "a\xff", "a\xef\xbf\xbd"},
        {"utf-8", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // a surrogate
        {"utf-8", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"utf-8", "\xf0\x9f\x93\xa7", "📧"},
        {"utf-8", "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"us-ascii", "a\xfc", "a\xef\xbf\xbd"},
        {"iso-8859-1", "\xfc", "ü"},
        {"ISO-8859-1*en", "\xfc", "ü"},
        {"windows-1252", "\x80", "€"},
        {"koi8-r", "\xf0\xd2", "Пр"},
        {"iso-2022-jp", "\x1b$B$3\x1b(B", "こ"},
        {"gb2312", "\xc4\xe3", "你"},
        {"shift_jis", "\x82\xb1\x82", "こ\xef\xbf\xbd"},
        {"", "a", nullptr},
        {"no-such-charset", "a", nullptr},
        {"utf-16//TRANSLIT", "a", nullptr},
        {"iso-8859-1\n", "a", nullptr},
        {std::string(41, 'a'), "a", nullptr},
    };
    for (int round = 0; round < 2; ++round)  // the second one from the cache
        for (const auto& r : rows) {
            INFO(r.charset);
            const auto text = to_utf8(r.charset, r.bytes);
            CHECK(text.has_value() == (r.text != nullptr));
            if (text && r.text) CHECK(*text == r.text);
        }
    // More charsets than are kept open.
    for (int n = 1; n <= 40; ++n) (void)to_utf8("cp" + std::to_string(1200 + n), "a");
    CHECK(to_utf8("iso-8859-1", "\xfc") == "ü");
}

TEST_CASE("encoded words", "[mime]") {
    const struct {
        std::string value, text;
    } rows[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"=?utf-8?q?=C3=BC?=", "ü"},
        {"=?UTF-8?B?w7w=?=", "ü"},
        {"=?iso-8859-1?Q?a_b=5F?=", "a b_"},
        {"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
        {"=?utf-8?q?a?=\t  =?iso-8859-1?q?=FC?= c", "aü c"},
        {"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"},
        {"x=?utf-8?q?a?=y", "xay"},
        {"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"},  // a character in two words
        {"=?utf-8*de?q?=C3=BC?=", "ü"},
        {"=?nonsense?q?a?=", "=?nonsense?q?a?="},
        {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
        {"=?utf-8?q?a", "=?utf-8?q?a"},
        {"=?", "=?"},
        {"=?"
         "?=",
         "=?"
         "?="},
        {"=?utf-8?q?"
         "?=",
         ""},
        {"a =?utf-8?q?=3D?=", "a ="},
        {"\xfc", "\xef\xbf\xbd"},
        {"ü", "ü"},
    };
    for (const auto& r : rows) {
        INFO(r.value);
        CHECK(decode_encoded_words(r.value) == r.text);
    }
    std::string many;
    for (int i = 0; i < 20000; ++i) many += "=?=?utf-8?q";
    CHECK(decode_encoded_words(many) == many);
}

TEST_CASE("names of files", "[mime]") {
    const struct {
        std::string value;
        const char* name;  // nullptr: none
    } rows[] = {
        {"attachment", nullptr},
        {"attachment; filename=a.txt", "a.txt"},
        {"attachment; filename=\"a b.txt\"", "a b.txt"},
        {"attachment; FileName = \"a.txt\" ; size=1", "a.txt"},
        {"attachment; filename=\"a \\\"b\\\".txt\"", "a \"b\".txt"},
        {"attachment; filename=\"C:\\dir\\a.txt\"", "C:\\dir\\a.txt"},
        {"attachment; filename=a b.txt; x=y", "a b.txt"},
        {"attachment; filename=\"unclosed.txt", "unclosed.txt"},
        {"attachment; filename=\"a;b.txt\"", "a;b.txt"},
        {"attachment; filename=", ""},
        {"attachment; filename*=UTF-8''%C3%BC%20a.txt", "ü a.txt"},
        {"attachment; filename*=iso-8859-1'de'%FC.txt", "ü.txt"},
        {"attachment; filename*=nonsense''%41.txt", "A.txt"},
        {"attachment; filename*=plain.txt", "plain.txt"},
        {"attachment; filename=plain; filename*=utf-8''%C3%BC", "ü"},
        {"attachment; filename*=utf-8''%C3%BC; filename=plain", "ü"},
        {"attachment; filename*0=\"a b\"; filename*1=\"c.txt\"", "a bc.txt"},
        {"attachment; filename*1=\"c.txt\"; filename*0=\"a b\"", "a bc.txt"},
        {"attachment; filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.txt", "ü.txt"},
        {"attachment; filename*0=a; filename*2=c", "a"},
        {"attachment; filename*99=a", nullptr},
        {"attachment; filename=\"=?utf-8?q?=C3=BC.txt?=\"", "ü.txt"},
        {"attachment; filename=\"=?utf-8?q?=C3=BC?= =?utf-8?q?.txt?=\"", "ü.txt"},
        {"attachment; filename*=utf-8''%ZZ%4", "%ZZ%4"},
        {"attachment; xfilename=a", nullptr},
        {"; filename=a", "a"},
        {"filename=a", "a"},
        {"attachment; x=\"filename=no\"; filename=a", "a"},
    };
    for (const auto& r : rows) {
        INFO(r.value);
        const auto name = filename_of_disposition(r.value);
        CHECK(name.has_value() == (r.name != nullptr));
        if (name && r.name) CHECK(*name == r.name);
    }
    CHECK(filename_of_content_type("text/plain; charset=utf-8; name=\"a.txt\"") == "a.txt");
    CHECK_FALSE(filename_of_content_type("text/plain; charset=utf-8"));
    CHECK(filename_of_disposition("attachment; filename=" + std::string(9000, 'a'))->size() == max_filename_length);
}
