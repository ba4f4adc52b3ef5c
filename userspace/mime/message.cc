// SPDX-License-Identifier: BSD-3-Clause
#include "mime/message.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "mime/quoted_printable.h"

namespace smtpscope::mime {

namespace {
constexpr std::size_t flush_size = 16384;  // bytes: large enough for the hashes, small enough for the cache

bool begins_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    return colon != line.npos && colon > 0 && line.substr(0, colon).find_first_of(" \t") == line.npos;
}
/// How many bytes come before the first line, from the second on, that may be a delimiter. Each line has its CRLF.
std::size_t up_to_dashes(std::string_view lines) {
    std::size_t at = std::min(lines.find('-', 2), lines.size());
    while (at < lines.size() && !(lines[at - 1] == '\n' && lines[at + 1] == '-')) {
        // Dashes seldom come alone, and the rest of this line cannot hold a delimiter.
        const std::size_t next = lines.find('\n', at) + 1;
        at = std::min(lines.find('-', next), lines.size());
    }
    return at;
}
}  // namespace

Message::Message(const MimeOptions& options, Bodies bodies, Handler& handler)
    : options_(&options), handler_(&handler), bodies_(bodies) {
    entities_.emplace_back();
    handler_->mime_begin_entity();
}

void Message::line(std::string_view text, bool crlf) {
    if (text.starts_with("--") && take_delimiter(text)) return;
    Entity& e = entities_.back();
    if (e.in_header)
        header_line(e, text);
    else if (has_content(e))
        body_line(e, text, crlf);
}

void Message::lines(std::string_view text) {
    while (!text.empty()) {
        Entity& e = entities_.back();
        if (e.in_header || e.torn || text.starts_with("--")) {
            const std::size_t end = text.find("\r\n");
            line(text.substr(0, end), true);
            text.remove_prefix(end + 2);
        } else {
            text.remove_prefix(body_lines(e, text));
        }
    }
}

void Message::gap(std::uint64_t length) {
    Entity& e = entities_.back();
    if (e.ended) return;  // an epilogue is not read anyway
    e.torn = true;
    if (e.in_header) {
        e.field.clear();
        e.has_field = false;
        e.doubtful = true;
        e.resumed = false;
        e.lost += length;
        return;
    }
    if (e.held_line_end) {
        e.held_line_end = false;
        content_ += "\r\n";
    }
    e.base64 = {};
    flush();
    handler_->mime_gap(length);
}

void Message::flush() {
    if (content_.empty() && !content_due_) return;
    content_due_ = false;
    handler_->mime_data(content_);
    content_.clear();
}

void Message::done() {
    end_entity(0);
}

// ---- structure

// RFC 2046, 5.1.1 allows only white space after a delimiter; the reference, and many readers of mail, take every line
// that begins with it.
Message::Delimiter Message::match_delimiter(const Entity& e, std::string_view text) {
    text.remove_prefix(2);
    if (!text.starts_with(*e.type.boundary)) return Delimiter::none;
    text.remove_prefix(e.type.boundary->size());
    return text.starts_with("--") ? Delimiter::closing : Delimiter::next;
}

/// The outermost multipart is asked first: its delimiter ends everything inside (RFC 2046, 5.1.2).
bool Message::take_delimiter(std::string_view text) {
    for (std::size_t i = 0; i < entities_.size(); ++i) {
        const Entity& e = entities_[i];
        if (e.in_header || e.type.type != MediaType::multipart) continue;
        const Delimiter d = match_delimiter(e, text);
        if (d == Delimiter::none) continue;
        end_children(i);
        if (d == Delimiter::closing)
            end_entity(i);
        else if (!entities_[i].ended)
            begin_child();
        return true;
    }
    return false;
}

void Message::header_line(Entity& e, std::string_view text) {
    if (text.empty() || text[0] == '\0') {  // the reference ends its strings at NUL
        if (e.resumed) e.lost = 0;
        return end_header(e);
    }
    if (std::exchange(e.torn, false)) return;  // `From: x` may be what is left of `X-From: x`
    if (text[0] == ' ' || text[0] == '\t') return continue_field(e, text);
    if (e.doubtful && !begins_field(text)) {
        end_header(e);
        return line(text, true);
    }
    e.resumed = e.doubtful;
    finish_field(e);
    e.field = text;
    e.has_field = true;
}

void Message::end_header(Entity& e) {
    finish_field(e);
    e.in_header = e.torn = false;
    report_lost(e);
    if (e.type.type == MediaType::message) begin_child();
}

/// The body may have begun in the missing bytes.
void Message::report_lost(Entity& e) {
    if (e.lost > 0 && e.type.type == MediaType::other) handler_->mime_gap(std::exchange(e.lost, 0));
}

void Message::continue_field(Entity& e, std::string_view text) {
    if (!e.has_field) {  // nothing to continue: it counts as a field
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        e.field = text;
        e.has_field = !text.empty();
        return;
    }
    const std::size_t limit = options_->max_header_bytes;
    if (limit > 0 && e.field.size() >= limit)
        return handler_->mime_weird("exceeded_mime_max_header_bytes", std::to_string(e.field.size()));
    e.field += text;
}

void Message::finish_field(Entity& e) {
    if (!e.has_field) return;
    e.has_field = false;
    const auto field = parse_header_field(e.field);
    if (!field) return;
    if (equals_ignoring_case(field->name, "content-type")) {
        if (auto type = parse_content_type(field->value)) e.type = std::move(*type);
    } else if (equals_ignoring_case(field->name, "content-transfer-encoding")) {
        if (const auto encoding = parse_transfer_encoding(field->value)) e.encoding = *encoding;
    }
    handler_->mime_one_header(*field);
}

void Message::begin_child() {
    const std::size_t depth = entities_.size() - 1;
    if (options_->max_depth > 0 && depth >= options_->max_depth)
        return handler_->mime_weird("exceeded_mime_max_depth", std::to_string(depth));
    const Entity& parent = entities_.back();
    const bool part = parent.type.type == MediaType::multipart;
    const bool within_parts = part || parent.within_parts;
    Entity& child = entities_.emplace_back();
    child.part = part;
    child.within_parts = within_parts;
    handler_->mime_begin_entity();
}

void Message::end_children(std::size_t parent) {
    while (entities_.size() > parent + 1) {
        end_entity(entities_.size() - 1);
        entities_.pop_back();
    }
}

void Message::end_entity(std::size_t i) {
    end_children(i);
    Entity& e = entities_[i];
    if (e.ended) return;
    e.ended = true;
    finish_field(e);
    if (!e.resumed) report_lost(e);
    if (!e.in_header) finish_body(e);
    e.in_header = false;
    handler_->mime_end_entity();
}

// ---- bodies

bool Message::has_content(const Entity& e) const {
    return bodies_ == Bodies::decode && !e.ended && e.type.type == MediaType::other;
}

/// Takes the lines up to the first that may be a delimiter; returns their length.
std::size_t Message::body_lines(Entity& e, std::string_view text) {
    std::size_t length = 0;
    if (!has_content(e)) {
        length = up_to_dashes(text);
    } else if (e.encoding == Encoding::base64) {
        length = e.base64.decode_lines(text, content_);
        report_base64(e);
    } else if (e.encoding == Encoding::quoted_printable) {
        for (; length < text.size() && !text.substr(length).starts_with("--"); length += 2) {
            const std::string_view line = text.substr(length, text.find("\r\n", length) - length);
            text_line(e, line, true);
            length += line.size();
        }
    } else {
        length = up_to_dashes(text);
        begin_text(e);
        content_ += text.substr(0, length - 2);
        end_text_line(e);
    }
    if (content_.size() >= flush_size) flush();
    return length;
}

void Message::body_line(Entity& e, std::string_view text, bool crlf) {
    if (e.encoding == Encoding::base64)
        base64_line(e, text, crlf);
    else
        text_line(e, text, crlf);
    if (content_.size() >= flush_size) flush();
}

void Message::base64_line(Entity& e, std::string_view text, bool crlf) {
    // Lines consist of whole groups: counted from its end, a torn line shows where in a group it begins.
    if (e.torn && crlf) text.remove_prefix(text.size() % 4);
    if (crlf) e.torn = false;
    e.base64.decode(text, content_);
    report_base64(e);
}

void Message::text_line(Entity& e, std::string_view text, bool crlf) {
    begin_text(e);
    if (e.encoding == Encoding::quoted_printable)
        crlf = decode_quoted_printable(text, content_) && crlf;
    else
        content_ += text;
    if (crlf) end_text_line(e);
}

void Message::begin_text(Entity& e) {
    if (std::exchange(e.held_line_end, false)) content_ += "\r\n";
    e.torn = false;
    // Where the reference does not hold back the line's end, a line without content makes a file too.
    if (!e.part || e.encoding == Encoding::quoted_printable) content_due_ = true;
}

/// The line's end is held back within a multipart, because it belongs to the delimiter if one follows (RFC 2046,
/// 5.1.1).
void Message::end_text_line(Entity& e) {
    if (e.within_parts)
        e.held_line_end = true;
    else
        content_ += "\r\n";
}

void Message::finish_body(Entity& e) {
    if (e.encoding == Encoding::base64 && e.type.type == MediaType::other) {
        e.base64.finish(content_);
        report_base64(e);
    }
    flush();
}

void Message::report_base64(Entity& e) {
    if (!e.base64.has_error()) return;
    if (const auto error = e.base64.take_error()) handler_->mime_weird("base64_illegal_encoding", *error);
}

}  // namespace smtpscope::mime
