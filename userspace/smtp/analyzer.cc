// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/analyzer.h"

#include "tls/beginning.h"

namespace smtpscope::smtp {

Analyzer::Delivered Analyzer::data(Side side, std::string_view bytes) {
    LineReader& r = reader(side);
    Client& client = dialogue_.client();
    while (!bytes.empty() && client.follows()) {
        if (is_client(side) && client.in_chunk()) {
            r.skip_line_end(bytes);
            client.chunk(bytes);
            continue;
        }
        auto next = r.due(bytes);
        report_oddities(r);
        if (!next) {
            if (is_client(side) && client.in_plain_data())
                if (const auto lines = r.plain_lines(bytes, limits_->line_length); !lines.empty())
                    client.message()->lines(lines);
            // A client that begins a handshake has received the reply to its STARTTLS, though the capture may lack the
            // reply or the command. Where both are lost, the server's part of the handshake shows the same.
            if (tls::begins(r.partial(), bytes) == tls::Beginning::yes && dialogue_.begin_tls(side))
                return {disposition(), std::string(r.partial()).append(bytes)};
            next = r.next(bytes, limits_->line_length);
            report_oddities(r);
        }
        if (!next) return {};
        line(side, *next);
    }
    return {disposition(), std::string(bytes)};
}

void Analyzer::line(Side side, const Line& line) {
    if (is_client(side))
        dialogue_.client_line(line);
    else
        server_line(side, line);
}

void Analyzer::server_line(Side side, const Line& line) {
    if (!line.begins) return;
    const auto reply = parse_reply(line.text);
    if (!reply) return handler_->smtp_unexpected(side, "reply code out of range", line.text);
    // A client that waits for the reply to its dot has ended the line: no LF will follow the CR.
    if (dialogue_.awaits_end_of_data())
        if (const auto dot = reader(opposite(side)).release_dot()) dialogue_.client_line(*dot);
    dialogue_.server_line(*reply);
}

Disposition Analyzer::gap(Side side, std::uint64_t length) {
    if (!dialogue_.client().follows()) return disposition();
    handler_->smtp_unexpected(side, "content gap", std::to_string(length));
    if (is_client(side)) {
        client_gap(reader(side), length);
    } else {
        reader(side).drop();
        dialogue_.server_gap();
    }
    return disposition();
}

void Analyzer::client_gap(LineReader& r, std::uint64_t length) {
    const bool in_chunk = dialogue_.client().in_chunk();
    if (in_chunk) {
        length = dialogue_.client().lose_in_chunk(length);
        if (length == 0) return;
    }
    const auto torn = r.flush();
    dialogue_.client_gap(length, torn ? &*torn : nullptr, in_chunk);
    r.drop();
}

Disposition Analyzer::end(Side side) {
    if (dialogue_.client().follows())
        if (const auto last = reader(side).flush()) line(side, *last);
    return disposition();
}

void Analyzer::report_oddities(LineReader& r) {
    if (!r.has_oddities()) return;
    const LineOddities odd = r.take_oddities();
    if (odd.nul) handler_->smtp_weird("NUL_in_line", {}, line_source);
    if (odd.single_cr) handler_->smtp_weird("line_terminated_with_single_CR", {}, line_source);
    if (odd.too_long) handler_->smtp_weird("contentline_size_exceeded", {}, line_source);
}

}  // namespace smtpscope::smtp
