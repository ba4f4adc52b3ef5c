// SPDX-License-Identifier: BSD-3-Clause
#include "mime/message.h"

#include <algorithm>

namespace smtpscope::mime {

Message::Message(const MimeOptions& options, Handler& handler) : options_(&options), handler_(&handler) {
    entities_.emplace_back();
    handler_->mime_begin_entity();
}

void Message::line(std::string_view text, bool /*crlf*/) {
    if (text.starts_with("--") && take_delimiter(text)) return;
    Entity& e = entities_.back();
    if (e.in_header) header_line(e, text);
}

void Message::gap() {
    Entity& e = entities_.back();
    e.field.clear();
    e.has_field = false;
}

void Message::done() {
    end_entity(0);
}

// RFC 2046, 5.1.1 allows nothing but white space after a delimiter; the reference, and many readers of mail, take
// whatever begins with it.
Message::Delimiter Message::match_delimiter(const Entity& e, std::string_view text) {
    text.remove_prefix(2);
    if (!text.starts_with(*e.type.boundary)) return Delimiter::none;
    text.remove_prefix(e.type.boundary->size());
    return text.starts_with("--") ? Delimiter::closing : Delimiter::next;
}

/// The outermost multipart has the first word: a delimiter of it ends everything inside (RFC 2046, 5.1.2).
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
        finish_field(e);
        e.in_header = false;
        if (e.type.type == MediaType::message) begin_child();
        return;
    }
    if (text[0] == ' ' || text[0] == '\t') return continue_field(e, text);
    finish_field(e);
    e.field = text;
    e.has_field = true;
}

void Message::continue_field(Entity& e, std::string_view text) {
    if (!e.has_field) {  // nothing to continue: a field all the same
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        e.field = text;
        e.has_field = !text.empty();
        return;
    }
    const std::size_t limit = options_->max_header_bytes;
    if (limit > 0 && e.field.size() >= limit)
        return handler_->mime_limit("exceeded_mime_max_header_bytes", e.field.size());
    e.field += text;
}

void Message::finish_field(Entity& e) {
    if (!e.has_field) return;
    e.has_field = false;
    const auto field = parse_header_field(e.field);
    if (!field) return;
    if (equals_ignoring_case(field->name, "content-type"))
        if (auto type = parse_content_type(field->value)) e.type = std::move(*type);
    handler_->mime_one_header(*field);
}

void Message::begin_child() {
    const std::size_t depth = entities_.size() - 1;
    if (options_->max_depth > 0 && depth >= options_->max_depth)
        return handler_->mime_limit("exceeded_mime_max_depth", depth);
    entities_.emplace_back();
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
    e.in_header = false;
    handler_->mime_end_entity();
}

}  // namespace smtpscope::mime
