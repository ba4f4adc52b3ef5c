// SPDX-License-Identifier: BSD-3-Clause
// What bodies hold, line by line and in several lines at once.
#include <string>
#include <utility>

#include "catch.h"
#include "mime/message.h"

using namespace smtpscope;
using namespace smtpscope::mime;

namespace {

/// `(` and `)` for entities, bodies as they are, `{gap N}` and `{weird: text}`.
class Bodies final : public mime::Handler {
  public:
    void mime_begin_entity() override { text += "("; }
    void mime_end_entity() override { text += ")"; }
    void mime_one_header(const HeaderField&) override {}
    void mime_data(std::string_view bytes) override { text += bytes; }
    void mime_gap(std::uint64_t length) override { text += "{gap " + std::to_string(length) + "}"; }
    void mime_weird(std::string_view, std::string_view addl) override { text += "{" + std::string(addl) + "}"; }
    std::string text;
};

enum class Calls { each_line, each_flushed, together };

/// Lines end with LF here, and CRLF is shown as `$`. `<gap>` is one, `~` at a line's end says that it goes on.
std::string bodies(const std::string& lines, Calls calls) {
    Bodies out;
    const MimeOptions options;
    Message message(options, mime::Bodies::decode, out);
    std::string waiting;
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size());
        std::string line = lines.substr(begin, end - begin);
        const bool whole = !line.ends_with('~');
        if (!whole) line.pop_back();
        begin = end + 1;
        if (calls == Calls::together && whole && line != "<gap>") {
            waiting += line + "\r\n";
            continue;
        }
        message.lines(std::exchange(waiting, {}));
        if (line == "<gap>")
            message.gap(9);
        else
            message.line(line, whole);
        if (calls == Calls::each_flushed) message.flush();
    }
    message.lines(waiting);
    message.done();
    std::string shown;
    for (const char c : out.text) {
        if (c == '\n') continue;
        shown += c == '\r' ? '$' : c;
    }
    return shown;
}

}  // namespace

TEST_CASE("the bodies of entities", "[mime]") {
    const std::string multi = "Content-Type: multipart/mixed; boundary=b\n\n";
    const std::string base64 = "Content-Transfer-Encoding: base64\n\n",
                      qp = "Content-Transfer-Encoding: Quoted-Printable\n\n";
    const struct {
        const char* name;
        std::string in, out;
    } rows[] = {
        {"plain", "A: 1\n\none\ntwo\n", "(one$two$)"},
        {"a header only", "A: 1\n", "()"},
        {"an empty line", "A: 1\n\n\n", "($)"},
        {"a line in pieces", "A: 1\n\none~\ntwo\n", "(onetwo$)"},
        {"base64", base64 + "QUJD\nREVG\n", "(ABCDEF)"},
        {"base64, groups over lines", base64 + "QUJDR\nEVG\n", "(ABCDEF)"},
        {"base64, wrong", base64 + "QU?JD\n", "({character 63 ignored by Base64 decoding}ABC)"},
        {"quoted-printable", qp + "a=3Db=\nc\nd\n", "(a=bc$d$)"},
        {"an encoding that is none", "Content-Transfer-Encoding: x-rot13\n\nQUJD\n", "(QUJD$)"},
        {"the last encoding counts", "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\n\nQUJD\n",
         "(QUJD$)"},
        {"parts: the delimiter has its own CRLF", multi + "preamble\n--b\n\none\n\n--b\n\ntwo\n--b--\nepilogue\n",
         "((one$)(two))"},
        {"a part of an empty line is empty", multi + "--b\n\n\n--b--\n", "(())"},
        {"parts in quoted-printable", multi + "--b\n" + qp + "a=\nb\n--b--\n", "((ab))"},
        {"parts in base64", multi + "--b\n" + base64 + "QUI=\n--b\n" + base64 + "QUJD\n--b--\n", "((AB)(ABC))"},
        {"a message as a part", multi + "--b\nContent-Type: message/rfc822\n\nSubject: s\n\nx\n--b--\n", "(((x)))"},
        {"a message in a message", "Content-Type: message/rfc822\n\nSubject: s\n\nx\n", "((x$))"},
        {"an unclosed part", multi + "--b\n\none\ntwo\n", "((one$two))"},
        {"lost bytes", "A: 1\n\none\n<gap>\ntwo\n", "(one${gap 9}two$)"},
        {"lost bytes in a part: the line's end was content", multi + "--b\n\none\n<gap>\ntwo\n--b--\n",
         "((one${gap 9}two))"},
        {"lost bytes in base64: groups end with the line", base64 + "QUJD\n<gap>\nxREVG\nR0hJ\n", "(ABC{gap 9}DEFGHI)"},
        {"lost bytes in a header", "A: 1\n<gap>\nrest of it\nB: 1\n\nbody\n", "(body$)"},
        {"lost bytes over a header's end", "A: 1\n<gap>\nrest\nno field here\nbody\n", "({gap 9}no field here$body$)"},
    };
    for (const auto& r : rows) {
        INFO(r.name);
        for (const Calls calls : {Calls::each_line, Calls::each_flushed, Calls::together})
            CHECK(bodies(r.in, calls) == r.out);
    }
}
