// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/message.h"

#include <algorithm>
#include <utility>

namespace smtpscope::smtp {

void Message::lose_beginning() {
    accepted_ = gapped_ = true;
    sized_ = false;
}

void Message::end() {
    report_lost();
    handler_->smtp_end_data(sized_);
}

/// To be called once it is known that the message's end is not in the lost bytes.
void Message::report_lost() {
    if (lost_ > 0) handler_->smtp_data_gap(std::exchange(lost_, 0));
}

// ---- lines

void Message::line(const Line& line, bool crlf) {
    std::string_view text = line.text;
    if (line.begins && text.starts_with('.')) text.remove_prefix(1);
    begun_ = true;
    report_lost();
    handler_->smtp_data(text, crlf);
}

void Message::lines(std::string_view lines) {
    crlf_seen_ = true;
    handler_->smtp_data_lines(lines);
}

void Message::lose(std::uint64_t length, const Line* torn) {
    gapped_ = true;
    // Its beginning is content, and shows that the line before was whole. A dot alone may be only the beginning of a
    // line.
    dot_torn_ = torn && torn->text == ".";
    if (torn && !torn->text.empty() && !dot_torn_) line(*torn, false);
    lost_ += length;
}

void Message::lose_end(bool more) {
    lost_ -= std::min<std::uint64_t>(lost_, dot_torn_ ? 2 : 3);  // `.` and CRLF
    sized_ &= !more && lost_ == 0;
}

// ---- chunks

std::uint64_t Message::lose_in_chunk(std::uint64_t length) {
    handler_->smtp_weird("smtp_bdat_remaining_at_end_data", {}, smtp_source);
    if (bdat_.has_partial()) handler_->smtp_weird("smtp_bdat_undelivered_at_done", {}, bdat_source);
    finish_lines();
    const bool last = chunk_.is_last();
    const std::uint64_t lost = chunk_.lose(length);
    // Further chunks of the message may follow.
    handler_->smtp_data_gap(last ? lost : length);
    gapped_ = true;
    sized_ &= last || lost == length;
    return length - lost;
}

void Message::lose_chunks(std::uint64_t length) {
    finish_lines();
    gapped_ = true;
    sized_ = false;
    if (length > 0) handler_->smtp_data_gap(length);
}

}  // namespace smtpscope::smtp
