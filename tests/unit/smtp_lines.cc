// SPDX-License-Identifier: BSD-3-Clause
// Streams to lines: line ends, NUL, the limit; and that cuts between packets change nothing.
#include <random>
#include <string>

#include "catch.h"
#include "smtp/bdat.h"
#include "smtp/line_reader.h"
#include "support_smtp.h"

using namespace smtpscope;
using namespace smtpscope::smtp;
using namespace smtpscope::test;
using namespace std::string_literals;

namespace {

/// Each line in brackets. Before it `+` where it goes on, behind it `+` where it does not end here, `~` where readers
/// may differ about it.
std::string shown(const Line& line) {
    return (line.begins ? "[" : "+[") + std::string(line.text) + "]" + (!line.ends ? "+" : line.plain ? "" : "~");
}

struct Lines {
    std::string text;
    std::string odd;
};

Lines read(const std::vector<std::string>& parts, std::size_t limit, bool with_plain = true) {
    LineReader reader;
    Lines out;
    const auto add = [&](Line line) {
        line.plain |= !with_plain;
        out.text += shown(line);
    };
    const auto note = [&] {
        const LineOddities odd = reader.take_oddities();
        if (odd.nul) out.odd += " nul";
        if (odd.single_cr) out.odd += " cr";
        if (odd.too_long) out.odd += " long";
    };
    for (const std::string& part : parts) {
        std::string_view bytes = part;
        while (const auto line = reader.next(bytes, limit)) {
            add(*line);
            note();
        }
        note();
    }
    if (const auto line = reader.flush()) add(*line);
    return out;
}

struct Row {
    std::string name, in, lines, odd;
    std::size_t limit = 100;
};

const Row rows[] = {
    {"nothing", "", "", ""},
    {"CRLF", "a\r\nb\r\n", "[a][b]", ""},
    {"LF", "a\nb\n", "[a]~[b]~", ""},
    {"LF, then CRLF", "a\nb\r\nc\r\n", "[a]~[b]~[c]", ""},
    {"CRLF, then LF", "a\r\nb\nc\r\n", "[a][b]~[c]~", ""},
    {"CR", "a\rb\rc", "[a]~[b]~[c]~", " cr"},
    {"CR CR LF", "a\r\r\nb\r\n", "[a]~[b]~", ""},
    {"many CRs and LF", "a\r\r\r\r\nb", "[a]~[b]~", ""},
    {"CR CR without LF", "a\r\rb", "[a]~[]~[b]~", " cr"},
    {"LF CR", "a\n\rb\r\n", "[a]~[]~[b]~", " cr"},
    {"empty lines", "\r\n\r\n\n", "[][][]~", ""},
    {"no end", "abc", "[abc]~", ""},
    {"the first NUL is taken out", "a\0b\r\n"s, "[ab]~", " nul"},
    {"later ones stand", "a\0b\0c\r\nd\0\r\n"s, "[ab\0c]~[d\0]"s, " nul"},
    {"NUL alone", "\0\r\n"s, "[]~", " nul"},
    {"a dot between CRLFs", "x\r\n.\r\ny\r\n", "[x][.][y]", ""},
    {"a dot between LFs", "x\n.\ny\r\n", "[x]~[.]~[y]~", ""},
    {"a dot after LF", "x\n.\r\ny\r\n", "[x]~[.]~[y]", ""},
    {"a dot before LF", "x\r\n.\ny\r\n", "[x][.]~[y]~", ""},
    {"a dot between CRs", "x\r.\ry", "[x]~[.]~[y]~", " cr"},
    {"a dot before CR CR LF", "x\r\n.\r\r\ny\r\n", "[x][.]~[y]~", ""},
    {"bytes of all kinds", "\xff\x01\x80 \t\r\n", "[\xff\x01\x80 \t]", ""},
    {"longer than a vector", "0123456789abcdef0123456789abcdef\r\n0123456789abcde\r\n",
     "[0123456789abcdef0123456789abcdef][0123456789abcde]", ""},
    {"as long as the limit", "12345\r\n", "[12345]", "", 5},
    {"one more", "123456\r\n7\r\n", "[12345]++[6][7]", " long", 5},
    {"many times the limit", "12345678901\n", "[12345]++[67890]++[1]~", " long", 5},
    {"a multiple of the limit", "1234567890\r\n1\r\n", "[12345]++[67890][1]", " long", 5},
    {"too long twice is said once", "123456\r\n123456\r\n", "[12345]++[6][12345]++[6]", " long", 5},
    {"too long without an end", "1234567", "[12345]++[67]~", " long", 5},
    {"no limit", "12345678901234567890\r\n", "[12345678901234567890]", "", 0},
};

/// Without what can be known only when the byte after a CR has come.
std::string without_plain(const std::string& in, std::size_t limit) {
    return read({in}, limit, false).text;
}

}  // namespace

TEST_CASE("streams are cut into lines", "[smtp]") {
    for (const Row& r : rows) {
        INFO(r.name);
        const Lines lines = read({r.in}, r.limit);
        CHECK(lines.text == r.lines);
        CHECK(lines.odd == r.odd);
    }
}

TEST_CASE("the lines are the same however the stream is cut", "[smtp]") {
    std::mt19937 random(3);
    for (const Row& r : rows) {
        INFO(r.name);
        std::uint32_t same = 0;
        const std::string expected = without_plain(r.in, r.limit);
        const std::size_t places = r.in.empty() ? 0 : r.in.size() - 1;
        const std::uint32_t ways = places <= 12 ? 1U << places : 4096;
        for (std::uint32_t way = 0; way < ways; ++way) {
            const std::uint32_t cuts = places <= 12 ? way : static_cast<std::uint32_t>(random());
            std::vector<std::string> parts(1);
            for (std::size_t i = 0; i < r.in.size(); ++i) {
                if (i > 0 && (cuts >> ((i - 1) % 32) & 1) != 0) parts.emplace_back();
                parts.back() += r.in[i];
            }
            const Lines lines = read(parts, r.limit, false);
            if (lines.text != expected || lines.odd != r.odd) FAIL("cuts " << cuts << ": " << lines.text << lines.odd);
            ++same;
        }
        CHECK(same == ways);
    }
}

TEST_CASE("cuts elsewhere than after a CR do not change which lines are plain", "[smtp]") {
    for (const Row& r : rows) {
        INFO(r.name);
        for (std::size_t i = 1; i < r.in.size(); ++i) {
            if (r.in[i - 1] == '\r') continue;
            CHECK(read({r.in.substr(0, i), r.in.substr(i)}, r.limit).text == r.lines);
        }
    }
}

TEST_CASE("after a cut behind a bare CR the next line is not plain", "[smtp]") {
    CHECK(read({"x\r", ".\r\n"}, 100).text == "[x][.]~");
    CHECK(read({"x\r", "\r", "\n.\r\n"}, 100).text == "[x][.]~");
    CHECK(read({"x\r", "\n.\r\n"}, 100).text == "[x][.]");
}

TEST_CASE("what is plain ends at the first line that is not, wherever that stands", "[smtp]") {
    std::string text;
    for (std::size_t length : {76U, 76U, 34U, 62U, 0U, 63U, 64U, 1U, 62U, 76U, 30U})
        text += std::string(length, 'x') + "\r\n";
    std::size_t tried = 0;
    for (std::size_t at = 0; at < text.size(); ++at)
        for (const char odd : {'.', '\0', '\r', '\n', 'x'}) {
            std::string changed = text;
            changed[at] = odd;
            std::size_t end = 0;
            for (std::size_t next; end < changed.size() && changed[end] != '.'; end = next) {
                const std::size_t mark = changed.find_first_of("\r\n\0"s, end);
                if (mark == changed.npos || changed.substr(mark, 2) != "\r\n") break;
                next = mark + 2;
            }
            LineReader reader;
            std::string_view rest = changed;
            const std::string_view plain = reader.plain_lines(rest, 0);
            if (plain.size() != end || rest != std::string_view(changed).substr(end))
                FAIL("octet " << static_cast<int>(odd) << " at " << at << ": " << plain.size() << ", not " << end);
            ++tried;
        }
    CHECK(tried == 5 * text.size());
}

TEST_CASE("a line is forgotten", "[smtp]") {
    LineReader reader;
    std::string_view bytes = "half";
    CHECK_FALSE(reader.next(bytes, 100));
    CHECK_FALSE(reader.partial().empty());
    reader.drop();
    CHECK(reader.partial().empty());
    CHECK_FALSE(reader.flush());
    bytes = "\r\nwhole\r\n";
    CHECK(reader.next(bytes, 100)->text.empty());
    CHECK(reader.next(bytes, 100)->text == "whole");
    SECTION("after a piece of it was given") {
        bytes = "0123456789ab";
        CHECK_FALSE(reader.next(bytes, 10)->ends);
        reader.drop();
        bytes = "next\r\n";
        CHECK(shown(*reader.next(bytes, 10)) == "[next]");
    }
}

TEST_CASE("content that is not of lines begins behind the LF of the line before", "[smtp]") {
    for (const auto& [rest, expected] :
         {std::pair<std::string, std::string>{"\nABC", "ABC"}, {"ABC", "ABC"}, {"", ""}}) {
        LineReader reader;
        std::string_view bytes = "BDAT 3\r";
        CHECK(reader.next(bytes, 100)->text == "BDAT 3");
        bytes = rest;
        reader.skip_line_end(bytes);
        CHECK(bytes == expected);
    }
}

TEST_CASE("A chunk has as many octets as its command says", "[smtp]") {
    Chunk chunk;
    CHECK_FALSE(chunk.is_due());
    CHECK_FALSE(chunk.is_complete());
    chunk.begin({5, false, nullptr});
    std::string_view bytes = "abc";
    CHECK(chunk.take(bytes) == "abc");
    CHECK(chunk.is_due());
    bytes = "deBDAT";
    CHECK(chunk.take(bytes) == "de");
    CHECK(bytes == "BDAT");
    CHECK_FALSE(chunk.is_due());
    CHECK_FALSE(chunk.is_complete());  // others follow
    chunk.begin({3, true, nullptr});
    CHECK(chunk.is_last());
    CHECK(chunk.lose(2) == 2);
    CHECK_FALSE(chunk.is_complete());
    CHECK(chunk.lose(7) == 1);
    CHECK(chunk.is_complete());
    chunk.begin({0, true, nullptr});
    CHECK(chunk.is_complete());
}

TEST_CASE("BDAT octets are lines of a message however the chunks are cut", "[smtp]") {
    struct BdatRow {
        std::string name, in;
        std::vector<std::string> events;
    };
    const std::string full(BdatLines::max_line_length, 'f');
    const std::string too_long = "weird smtp_bdat_line_too_long (SMTP_BDAT)";
    const std::string lf = "weird smtp_bdat_line_lf_only (SMTP_BDAT)";
    const BdatRow bdat_rows[] = {
        {"lines", "a\r\nb\r\n", {"| a", "| b"}},
        {"no end", "a\r\nb", {"| a", "|~ b"}},
        {"empty lines", "\r\n\r\n", {"| ", "| "}},
        {"a dot alone is a dot", ".\r\n..\r\n", {"| .", "| .."}},
        {"bare LF", "a\nb\r\n", {lf, "|~ a\n", "| b"}},
        {"LF alone", "\n", {lf, "|~ \n"}},
        {"bare CR is content", "a\rb\r\n", {"| a\rb"}},
        {"CR CR LF", "a\r\r\n", {"| a\r"}},
        {"CR at the end", "a\r", {"|~ a\r"}},
        {"NUL", "a\0b\r\n"s, {"| a\0b"s}},
        {"the longest line", full + "\r\n", {"| " + full}},
        {"one more", full + "g\r\n", {too_long, "|~ " + full, "| g"}},
        {"twice as long", full + full + "\r\nx\r\n", {too_long, "|~ " + full, "| " + full, "| x"}},
        {"long, without an end", full + "gh", {too_long, "|~ " + full, "|~ gh"}},
        {"long, bare LF", full + "g\n", {too_long, "|~ " + full, lf, "|~ g\n"}},
    };
    std::mt19937 random(4);
    for (const BdatRow& r : bdat_rows) {
        INFO(r.name);
        for (int way = 0; way < 50; ++way) {
            SmtpRecorder out(SmtpRecorder::Details::no_sizes);
            BdatLines lines;
            std::string_view rest = r.in;
            while (!rest.empty()) {
                std::size_t n = way == 0   ? rest.size()
                                : way == 1 ? 1
                                           : random() % std::min<std::size_t>(rest.size(), 5000) + 1;
                if (way > 25) n = std::min<std::size_t>(n, 3);
                lines.data(rest.substr(0, n), out);
                rest.remove_prefix(n);
            }
            lines.finish(out);
            CHECK_FALSE(lines.has_partial());
            std::vector<std::string> events = out.events;
            // A line that is too long may be reported once for each of its pieces.
            events.erase(std::unique(events.begin(), events.end(),
                                     [&](const auto& a, const auto& b) { return a == too_long && b == too_long; }),
                         events.end());
            if (events != r.events) {
                CHECK(events == r.events);
                FAIL("way " << way);
            }
        }
    }
}
