// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/guess.h"

#include "base/ascii.h"

#include <algorithm>

namespace smtpscope::smtp {

bool is_plain_command(std::string_view line) {
    const Command c = parse_command(line);
    switch (c.verb) {
        case Verb::mail:
            return starts_with_ignoring_case(c.arg, "FROM:");
        case Verb::rcpt:
            return starts_with_ignoring_case(c.arg, "TO:");
        case Verb::data:
        case Verb::rset:
        case Verb::quit:
        case Verb::starttls:
        case Verb::x_anonymoustls:
            return c.arg.empty();
        case Verb::ehlo:
        case Verb::helo:
        case Verb::auth:
            return !c.arg.empty() && c.arg.find(' ', c.arg.find(' ') + 1) == c.arg.npos;
        case Verb::bdat:
            return parse_bdat_argument(c.arg).error == nullptr;
        default:
            return false;
    }
}

std::string_view chunk_command_at_end(std::string_view line) {
    constexpr std::string_view verb = "BDAT ";
    constexpr std::size_t longest = 32;  // with the largest number and LAST
    for (std::size_t i = line.size() - std::min(line.size(), longest); i + verb.size() < line.size(); ++i) {
        const std::string_view rest = line.substr(i);
        if (starts_with_ignoring_case(rest, verb) && !parse_bdat_argument(rest.substr(verb.size())).error) return rest;
    }
    return {};
}

Verb verb_of_reply(std::uint16_t code, std::string_view text) {
    if (code == 221) return Verb::quit;
    if (code == 250 && text.starts_with("2.1.0 ")) return Verb::mail;
    if (code == 250 && text.starts_with("2.1.5 ")) return Verb::rcpt;
    return Verb::unknown;
}

}  // namespace smtpscope::smtp
