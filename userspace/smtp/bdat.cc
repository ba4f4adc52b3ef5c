// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/bdat.h"

#include <algorithm>

namespace smtpscope::smtp {

void Chunk::begin(const BdatArgument& arg) {
    left_ = arg.size;
    state_ = arg.last ? State::last : State::chunk;
    advance(0);
}

void Chunk::advance(std::uint64_t octets) {
    left_ -= octets;
    if (left_ == 0 && state_ == State::chunk) state_ = State::none;
}

std::string_view Chunk::take(std::string_view& bytes) {
    const std::string_view octets = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
    bytes.remove_prefix(octets.size());
    advance(octets.size());
    return octets;
}

std::uint64_t Chunk::lose(std::uint64_t length) {
    const std::uint64_t lost = std::min(length, left_);
    advance(lost);
    return lost;
}

/// Passes on what exceeds the longest line, so that at most one line's length is left.
void BdatLines::pieces(std::string_view& line, Handler& handler) {
    if (line.size() <= max_line_length) return;
    handler.smtp_weird("smtp_bdat_line_too_long", std::to_string(line.size()), bdat_source);
    while (line.size() > max_line_length) {
        handler.smtp_data(line.substr(0, max_line_length), false);
        line.remove_prefix(max_line_length);
    }
}

/// Passes on the ordinary lines at the beginning of `octets`: whole, ended by CRLF, not too long.
void BdatLines::plain_lines(std::string_view& octets, Handler& handler) {
    std::size_t end = 0;
    for (;;) {
        const std::size_t lf = octets.find('\n', end);
        if (lf == octets.npos || lf == end || octets[lf - 1] != '\r' || lf - 1 - end > max_line_length) break;
        end = lf + 1;
    }
    if (end == 0) return;
    handler.smtp_data_lines(octets.substr(0, end));
    octets.remove_prefix(end);
}

void BdatLines::data(std::string_view octets, Handler& handler) {
    while (!octets.empty()) {
        if (partial_.empty()) plain_lines(octets, handler);
        const std::size_t lf = octets.find('\n');
        if (lf == octets.npos) {
            partial_ += octets;
            if (partial_.size() > max_line_length + 1) {  // the last octet may be the CR of its end
                std::string_view rest = partial_.view();
                if (rest.ends_with('\r')) rest.remove_suffix(1);
                pieces(rest, handler);
                partial_.remove_prefix(static_cast<std::size_t>(rest.data() - partial_.view().data()));
            }
            return;
        }
        std::string_view line = octets.substr(0, lf + 1);
        if (!partial_.empty()) line = (partial_ += line).view();
        octets.remove_prefix(lf + 1);
        const bool crlf = line.size() > 1 && line[line.size() - 2] == '\r';
        line.remove_suffix(crlf ? 2 : 1);
        pieces(line, handler);
        if (!crlf) {
            handler.smtp_weird("smtp_bdat_line_lf_only", {}, bdat_source);
            line = {line.data(), line.size() + 1};  // a bare LF is content: its octet follows in the same buffer
        }
        handler.smtp_data(line, crlf);
        partial_.clear();
    }
}

void BdatLines::finish(Handler& handler) {
    if (!partial_.empty()) handler.smtp_data(partial_.view(), false);
    partial_.clear();
}

}  // namespace smtpscope::smtp
