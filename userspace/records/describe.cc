// SPDX-License-Identifier: BSD-3-Clause
// A mail transaction in one line.
#include "base/utf8.h"
#include "base/words.h"
#include "mime/encoded_word.h"
#include "smtpscope/records.h"

namespace smtpscope {

namespace {

constexpr std::size_t text_columns = 80;

/// Text from the network, cut so that the rest fits beside it.
std::string shortened(std::string_view text) {
    const std::string_view front = fitting(text, text_columns);
    return std::string(front) + (front.size() < text.size() ? "..." : "");
}

bool has_recipient(const Info& rec) {
    return rec.rcptto && !rec.rcptto->empty();
}

/// Sessions without an envelope are recorded too: most often because what followed STARTTLS could not be read.
std::string session(const Info& rec) {
    std::string text =
        rec.tls ? "encrypted session (STARTTLS), no envelope seen" : "session without sender and recipient";
    if (rec.helo) text += ", helo " + shortened(*rec.helo);
    if (rec.last_reply && !rec.tls) text += ", last reply " + shortened(*rec.last_reply);
    return text;
}

/// Who sends and who receives; `?` for what was not seen or is no address.
std::string envelope(const Info& rec) {
    std::string text = rec.mailfrom ? *rec.mailfrom : rec.null_sender ? "<>" : "?";
    text += " -> ";
    if (!has_recipient(rec)) return text + (rec.recipients > 0 ? "?" : "(no recipient)");
    text += *rec.rcptto->begin();
    if (rec.rcptto->size() > 1) text += " (plus " + std::to_string(rec.rcptto->size() - 1) + " others)";
    return text;
}

/// What the server refused.
std::string refusal(const Info& rec) {
    if (rec.rejection.code == 0) return {};
    std::string text = " REFUSED " + std::to_string(rec.rejection.code);
    if (!rec.rejection.status.empty()) text += " " + rec.rejection.status;
    if (rec.rejected_recipients > 0 && !rec.refused_whole)
        text += " (" + std::to_string(rec.rejected_recipients) + " of " + std::to_string(rec.recipients) + ")";
    return text;
}

}  // namespace

std::string describe(const Info& rec) {
    const bool enveloped = rec.mailfrom || rec.null_sender || rec.recipients > 0 || has_recipient(rec);
    std::string text = enveloped ? envelope(rec) : session(rec);
    text += refusal(rec);
    if (rec.aborted) text += " ABORTED";
    if (enveloped && rec.tls) text += " [encrypted from here on]";
    if (rec.missed_bytes) text += " [" + size_in_words(*rec.missed_bytes) + " missed]";
    if (rec.incomplete) text += " [incomplete]";
    if (rec.subject && !rec.subject->empty())
        text += ": " + shortened(rec.subject_decoded ? *rec.subject_decoded : mime::decode_encoded_words(*rec.subject));
    return text;
}

}  // namespace smtpscope
