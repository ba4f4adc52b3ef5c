// SPDX-License-Identifier: BSD-3-Clause
// Header fields and entities.
#include <string>

#include "catch.h"
#include "mime/message.h"

using namespace smtpscope;
using namespace smtpscope::mime;
using namespace std::string_literals;

namespace {

/// `(` and `)` for entities, `[name|value]` for header fields, `{limit value}`.
class Recorder final : public mime::Handler {
  public:
    void mime_begin_entity() override { text += "("; }
    void mime_end_entity() override { text += ")"; }
    void mime_one_header(const HeaderField& f) override {
        text += "[" + std::string(f.name) + "|" + std::string(f.value) + "]";
    }
    void mime_data(std::string_view bytes) override { text += "<" + std::string(bytes) + ">"; }
    void mime_gap(std::uint64_t length) override { text += "<gap " + std::to_string(length) + ">"; }
    void mime_weird(std::string_view name, std::string_view addl) override {
        text += "{" + std::string(name) + " " + std::string(addl) + "}";
    }
    std::string text;
};

constexpr char gap_line[] = "<gap>";

/// Lines end with LF here.
std::string parse(const std::string& lines, const MimeOptions& options = {}, Bodies bodies = Bodies::skip) {
    Recorder out;
    Message message(options, bodies, out);
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size());
        const std::string line = lines.substr(begin, end - begin);
        if (line == gap_line)
            message.gap(7);
        else
            message.line(line, true);
        begin = end + 1;
    }
    message.done();
    return out.text;
}

struct Row {
    const char* name;
    std::string in, out;
};

}  // namespace

TEST_CASE("header fields are split at the colon", "[mime]") {
    struct FieldRow {
        std::string in, name, value;  // name empty: no field
    };
    const FieldRow rows[] = {
        {"Subject: text", "Subject", "text"},
        {"Subject:text", "Subject", "text"},
        {"Subject:", "Subject", ""},
        {"Subject:  \t two words \t", "Subject", "two words \t"},
        {"Subject : text", "Subject", "text"},
        {"Subject (comment): text", "Subject", "text"},
        {"Subject: a: b", "Subject", "a: b"},
        {"X-1!#$: v", "X-1!#$", "v"},
        {"Subject: (not a comment)", "Subject", "(not a comment)"},
        {"Subject", "", ""},
        {"Subject text: x", "", ""},
        {": text", "", ""},
        {"", "", ""},
        {"   ", "", ""},
        {"S\xc3\xbcject: x", "", ""},
        {"From mailbox Mon Jan 1 00:00:00", "", ""},
    };
    for (const FieldRow& r : rows) {
        INFO(r.in);
        const auto field = parse_header_field(r.in);
        CHECK(field.has_value() == !r.name.empty());
        if (!field) continue;
        CHECK(field->name == r.name);
        CHECK(field->value == r.value);
    }
}

TEST_CASE("content types, as far as they matter", "[mime]") {
    struct TypeRow {
        std::string in, type, boundary;
    };
    const TypeRow rows[] = {
        {"text/plain", "other", ""},
        {"message/rfc822", "message", ""},
        {"MESSAGE/RFC822", "message", ""},
        {"message/rfc822; x=y", "message", ""},
        {"multipart/mixed; boundary=abc", "multipart", "abc"},
        {"multipart/mixed; boundary=\"a b\"", "multipart", "a b"},
        {"multipart/mixed; boundary=\"a\\\"b\"", "multipart", "a\"b"},
        {"multipart/mixed; boundary=abc; x=y", "multipart", "abc"},
        {"multipart/mixed; boundary=abc;", "multipart", "abc"},
        {"multipart/mixed; boundary=\"a;b\"; x=y", "multipart", "a;b"},
        {"Multipart/Mixed;BOUNDARY=abc", "multipart", "abc"},
        {"multipart/mixed ; boundary = abc ; x=y", "multipart", "abc"},
        {"multipart/mixed; charset=x; boundary=abc", "multipart", "abc"},
        {"multipart/mixed; charset=\"x;boundary=no\"; boundary=abc", "multipart", "abc"},
        {"multipart/mixed (comment); (another (nested)) boundary=abc", "multipart", "abc"},
        {"multipart/mixed; boundary=----=_Part:1/2", "multipart", "----=_Part:1/2"},
        {"multipart/mixed; boundary=a; boundary=b", "multipart", "b"},
        {"multipart/mixed; boundary=\"\"", "multipart", ""},
        {"multipart/mixed", "other", ""},
        {"multipart/mixed; boundary=\"abc", "other", ""},
        {"multipart/mixed; boundary=", "other", ""},
        {"multipart", "none", ""},
        {"/mixed", "none", ""},
        {"", "none", ""},
        {"(comment)", "none", ""},
        {"(unclosed", "none", ""},
    };
    for (const TypeRow& r : rows) {
        INFO(r.in);
        const auto type = parse_content_type(r.in);
        const char* names[] = {"multipart", "message", "other"};
        CHECK((type ? names[static_cast<int>(type->type)] : "none") == r.type);
        if (type && type->type == MediaType::multipart) CHECK(*type->boundary == r.boundary);
    }
}

TEST_CASE("messages and their parts", "[mime]") {
    const std::string multi = "Content-Type: multipart/mixed; boundary=b\n";
    const std::string multi_out = "[Content-Type|multipart/mixed; boundary=b]";
    const Row rows[] = {
        {"nothing", "", "()"},
        {"no header", "\ntext: a\n", "()"},
        {"a header", "A: 1\nB: 2\n\nC: 3\n", "([A|1][B|2])"},
        {"no body", "A: 1\nB: 2", "([A|1][B|2])"},
        {"folded", "A: 1\n 2\n\t3\n\n", "([A|1 2\t3])"},
        {"folded at once", "A:\n 1\n\n", "([A|1])"},
        {"folding of white space alone", "A: 1\n \nB: 2\n", "([A|1 ][B|2])"},
        {"nothing to continue", " A: 1\nB: 2\n", "([A|1][B|2])"},
        {"a line that is no field", "A: 1\nrubbish\nB: 2\n", "([A|1][B|2])"},
        {"and its continuation", "rubbish\n more\nB: 2\n", "([B|2])"},
        {"a NUL is kept", "A: 1\0 2\n"s, "([A|1\0 2])"s},
        {"a NUL first ends the header", "A: 1\n\0\nB: 2\n"s, "([A|1])"},
        {"bytes were lost", "A: 1\n<gap>\n rest\nB: 2\n", "([B|2])"},
        {"a field may be the rest of one", "X-\n<gap>\nFrom: 1\nB: 2\n", "([B|2])"},
        {"the header's end was lost", "A: 1\n<gap>\nrest\nB: 2\nno field\nC: 3\n", "([B|2]<gap 7>)"},
        {"parts", multi + "A: 1\n\npreamble: x\n--b\nP: 1\n\nbody: x\n--b\n\n--b--\nepilogue: x\n",
         "(" + multi_out + "[A|1]([P|1])())"},
        {"a part of message/rfc822", multi + "\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nx\n--b--\n",
         "(" + multi_out + "([Content-Type|message/rfc822]([Subject|inner])))"},
        {"a message in a message", "Content-Type: message/rfc822\n\nA: 1\n\nB: 2\n",
         "([Content-Type|message/rfc822]([A|1]))"},
        {"parts of a part",
         multi + "\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nX: 1\n\n--c--\n--b\nY: 1\n\n--b--\n",
         "(" + multi_out + "([Content-Type|multipart/alternative; boundary=c]([X|1]))([Y|1]))"},
        {"an outer delimiter ends all within",
         multi + "\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nX: 1\n\n--b\nY: 1\n\n--c\nZ: 1\n",
         "(" + multi_out + "([Content-Type|multipart/alternative; boundary=c]([X|1]))([Y|1]))"},
        {"not closed", multi + "\n--b\nP: 1\n\nx\n", "(" + multi_out + "([P|1]))"},
        {"cut off in a part's header", multi + "\n--b\nP: 1", "(" + multi_out + "([P|1]))"},
        {"a delimiter in a part's header", multi + "\n--b\nP: 1\n--b\nQ: 1\n", "(" + multi_out + "([P|1])([Q|1]))"},
        {"a delimiter in the message's header is none", multi + "--b\nP: 1\n\n", "(" + multi_out + "[P|1])"},
        {"nor behind other fields", multi + "A: 1\n--b\nP: 1\n\n", "(" + multi_out + "[A|1][P|1])"},
        {"the boundary is the beginning of another one",
         "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bc\n\n--bc\nX: 1\n",
         "(" + multi_out + "([Content-Type|multipart/mixed; boundary=bc])([X|1]))"},
        {"white space behind a delimiter", multi + "\n--b  \nP: 1\n\n--b-- \nQ: 1\n", "(" + multi_out + "([P|1]))"},
        {"an empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--\nP: 1\n",
         "([Content-Type|multipart/mixed; boundary=\"\"]([P|1]))"},
        {"no boundary", "Content-Type: multipart/mixed\n\n--b\nP: 1\n", "([Content-Type|multipart/mixed])"},
        {"a quoted boundary", "Content-Type: multipart/mixed; boundary=\"a b\"\n\n--a b\nP: 1\n",
         "([Content-Type|multipart/mixed; boundary=\"a b\"]([P|1]))"},
        {"a folded boundary", "Content-Type: multipart/mixed;\n boundary=b\n\n--b\nP: 1\n",
         "([Content-Type|multipart/mixed; boundary=b]([P|1]))"},
        {"the last Content-Type counts", "Content-Type: text/plain\n" + multi + "\n--b\nP: 1\n",
         "([Content-Type|text/plain]" + multi_out + "([P|1]))"},
    };
    for (const Row& r : rows) {
        INFO(r.name);
        CHECK(parse(r.in) == r.out);
    }
}

TEST_CASE("MIME limits", "[mime]") {
    MimeOptions options;
    SECTION("of a header field") {
        options.max_header_bytes = 10;
        CHECK(parse("A: 123\n 567\n 901\nB: 1\n", options) == "({exceeded_mime_max_header_bytes 10}[A|123 567][B|1])");
    }
    SECTION("of a header field that is one line") {
        options.max_header_bytes = 10;
        // A single line is bounded by Limits::line_length alone.
        CHECK(parse("A: 0123456789\n more\n", options) == "({exceeded_mime_max_header_bytes 13}[A|0123456789])");
    }
    SECTION("of depth") {
        options.max_depth = 2;
        std::string nested;
        for (int i = 0; i < 4; ++i) nested += "Content-Type: message/rfc822\n\n";
        const std::string type = "[Content-Type|message/rfc822]";
        CHECK(parse(nested, options) == "(" + type + "(" + type + "(" + type + "{exceeded_mime_max_depth 2})))");
    }
    SECTION("none") {
        options.max_depth = options.max_header_bytes = 0;
        std::string nested, folded = "A: 1";
        for (int i = 0; i < 1000; ++i) nested += "Content-Type: message/rfc822\n\n";
        for (int i = 0; i < 100000; ++i) folded += "\n 1";
        CHECK(parse(nested, options).find('{') == std::string::npos);
        CHECK(parse(folded, options).size() == 6 + 1 + 200000);
    }
}
