// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/protocol.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace smtpscope::smtp {

namespace {

struct Word {
    Verb verb;
    std::string_view text;
};

constexpr Word words[] = {
    {Verb::mail, "MAIL"},       {Verb::rcpt, "RCPT"},
    {Verb::data, "DATA"},       {Verb::bdat, "BDAT"},
    {Verb::ehlo, "EHLO"},       {Verb::helo, "HELO"},
    {Verb::quit, "QUIT"},       {Verb::rset, "RSET"},
    {Verb::noop, "NOOP"},       {Verb::starttls, "STARTTLS"},
    {Verb::auth, "AUTH"},       {Verb::vrfy, "VRFY"},
    {Verb::expn, "EXPN"},       {Verb::help, "HELP"},
    {Verb::etrn, "ETRN"},       {Verb::turn, "TURN"},
    {Verb::send, "SEND"},       {Verb::soml, "SOML"},
    {Verb::saml, "SAML"},       {Verb::x_anonymoustls, "X-ANONYMOUSTLS"},
    {Verb::burl, "BURL"},       {Verb::lhlo, "LHLO"},
    {Verb::xclient, "XCLIENT"}, {Verb::xforward, "XFORWARD"},
};

constexpr Word signs[] = {{Verb::end_of_data, "."}, {Verb::greeting, ">"}, {Verb::auth_answer, "***"}};

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void skip_space(std::string_view& text) {
    while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
}

}  // namespace

Verb parse_verb(std::string_view text) {
    for (const Word& w : words)
        if (equals_ignoring_case(text, w.text)) return w.verb;
    return Verb::unknown;
}

std::string_view name_of(Verb v) {
    for (const Word& w : words)
        if (w.verb == v) return w.text;
    for (const Word& s : signs)
        if (s.verb == v) return s.text;
    return "(UNKNOWN)";
}

Command parse_command(std::string_view line) {
    const auto end = std::find_if(line.begin(), line.end(), [](char c) { return c == '\0' || is_space(c); });
    Command c;
    c.word = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    c.verb = parse_verb(c.word);
    c.arg = line.substr(c.word.size());
    skip_space(c.arg);
    return c;
}

std::optional<ReplyLine> parse_reply(std::string_view line) {
    if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) return std::nullopt;
    ReplyLine r;
    r.code = static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
    if (r.code < 100 || r.code > 599) return std::nullopt;
    r.more = line.size() > 3 && line[3] == '-';
    r.text = line.substr(r.more ? 4 : 3);
    skip_space(r.text);
    return r;
}

BdatArgument parse_bdat_argument(std::string_view arg) {
    constexpr std::size_t longest = 25;  // the largest 64-bit number and " LAST"
    BdatArgument out;
    if (arg.empty() || arg.size() > longest) {
        out.error = "BDAT argument bad length";
        return out;
    }
    if (!is_digit(arg[0])) {
        out.error = "BDAT not followed by a valid chunk-size";
        return out;
    }
    const auto [end, error] = std::from_chars(arg.data(), arg.data() + arg.size(), out.size);
    const std::string_view rest = arg.substr(static_cast<std::size_t>(end - arg.data()));
    out.last = equals_ignoring_case(rest, " LAST");
    if (!rest.empty() && rest[0] != ' ' && rest[0] != '\0') {
        out.error = "BDAT chunk-size not valid";
    } else if (error == std::errc::result_out_of_range) {
        out.error = "BDAT chunk-size too large";
    } else if (!rest.empty() && !out.last) {
        out.error = "BDAT chunk-size followed by junk";
    }
    return out;
}

}  // namespace smtpscope::smtp
