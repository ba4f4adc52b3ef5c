// SPDX-License-Identifier: BSD-3-Clause
#include "support_smtp.h"

#include <algorithm>

namespace smtpscope::test {

smtp::Handler::Answer SmtpRecorder::smtp_request(const smtp::Request& request) {
    std::string text(smtp::name_of(request.verb));
    if (!request.arg.empty()) text += ' ' + std::string(request.arg);
    if (request.final) text += " final";
    events.push_back("> " + text + (request.user.empty() ? "" : " as " + std::string(request.user)));
    if (++last_ == stop_at) return {0, Disposition::invalid_transactions};
    requests_[last_] = text;
    return {last_};
}

/// The words of the request with this tag; its verb and whether it is final have to be handed back unchanged.
std::string SmtpRecorder::request_of(smtp::Tag tag, smtp::Verb verb, bool final) const {
    if (tag == 0) return std::string(smtp::name_of(verb)) + (final ? " final" : "");
    const auto it = requests_.find(tag);
    if (it == requests_.end()) return "of no request";
    if (!it->second.starts_with(smtp::name_of(verb))) return "wrong verb for " + it->second;
    return it->second + (final && !it->second.ends_with(" final") ? ", final after all" : "");
}

void SmtpRecorder::smtp_reply(const smtp::Reply& reply) {
    events.push_back((reply.more ? "<- " : "< ") + std::to_string(reply.code) + ' ' + std::string(reply.text) + " (" +
                     request_of(reply.tag, reply.verb, reply.final) + ")");
}

void SmtpRecorder::smtp_reply_lost(smtp::Tag tag, smtp::Verb verb, bool final) {
    events.push_back("? " + request_of(tag, verb, final));
}

void SmtpRecorder::smtp_data(std::string_view line, bool crlf) {
    events.push_back((crlf ? "| " : "|~ ") + std::string(line));
}

void SmtpRecorder::smtp_data_lines(std::string_view lines) {
    while (!lines.empty()) {
        const std::size_t end = lines.find("\r\n");
        smtp_data(lines.substr(0, end), true);
        lines.remove_prefix(end + 2);
    }
}

void SmtpRecorder::smtp_unexpected(Side side, std::string_view what, std::string_view detail) {
    events.push_back(std::string("! ") + (side == Side::orig ? "orig " : "resp ") + std::string(what) +
                     (detail.empty() ? "" : ": " + std::string(detail)));
}

void SmtpRecorder::smtp_weird(std::string_view name, std::string_view addl, std::string_view source) {
    const bool detailed = details_ == Details::all && !addl.empty();
    events.push_back("weird " + std::string(name) + (detailed ? ": " + std::string(addl) : "") + " (" +
                     std::string(source) + ")");
}

std::vector<std::string> analyze(const Script& script, std::size_t piece, const Limits& limits) {
    SmtpRecorder out;
    smtp::Analyzer analyzer(limits, out);
    for (const Turn& t : script) {
        if (t.text.empty()) {
            analyzer.gap(t.from, t.lost);
            continue;
        }
        const std::size_t step = piece == 0 ? t.text.size() : piece;
        for (std::size_t i = 0; i < t.text.size(); i += step)
            analyzer.data(t.from, std::string_view(t.text).substr(i, step));
    }
    analyzer.end(Side::orig);
    analyzer.end(Side::resp);
    analyzer.finish();
    return out.events;
}

}  // namespace smtpscope::test
