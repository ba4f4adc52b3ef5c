// SPDX-License-Identifier: BSD-3-Clause
#include "mime/header.h"

#include <algorithm>

#include "base/ascii.h"

namespace smtpscope::mime {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_printable(char c) {
    return c >= 33 && c <= 126;
}
bool is_field_name(char c) {
    return is_printable(c) && c != ':';
}
bool is_space(char c) {
    return is_blank(c) || (c >= '\n' && c <= '\r');
}

/// A token has printable characters except RFC 2045's tspecials. As a boundary, only a quote and the semicolon before
/// the next parameter end it, because mailers put any character there.
enum class Lexis { token, boundary };

bool is_token(char c, Lexis lexis) {
    constexpr std::string_view tspecials = "()<>@,;:\\\"/[]?=";
    if (!is_printable(c)) return false;
    return lexis == Lexis::boundary ? c != '"' && c != ';' : tspecials.find(c) == tspecials.npos;
}

/// Length of the comment that the text begins with, nested ones included; all of it if it is not closed.
std::size_t comment_length(std::string_view text) {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '(')
            ++depth;
        else if (text[i] == ')' && --depth == 0)
            return i + 1;
    }
    return text.size();
}

void skip_blanks_and_comments(std::string_view& text) {
    while (!text.empty()) {
        if (is_blank(text[0]))
            text.remove_prefix(1);
        else if (text[0] == '(')
            text.remove_prefix(comment_length(text));
        else
            return;
    }
}

/// The first run of characters that `accept` takes, whatever comes before it; empty if there is none.
template <typename Accept>
std::string_view take_run(std::string_view& text, Accept accept) {
    while (!text.empty() && !accept(text[0])) {
        const std::size_t before = text.size();
        skip_blanks_and_comments(text);
        if (text.size() == before) text.remove_prefix(1);
    }
    const auto end = std::find_if_not(text.begin(), text.end(), accept);
    const std::string_view run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(run.size());
    return run;
}

std::string_view take_token(std::string_view& text, Lexis lexis) {
    if (lexis == Lexis::token) skip_blanks_and_comments(text);
    return take_run(text, [lexis](char c) { return is_token(c, lexis); });
}

/// The quoted string that the text begins with, without its quotes and backslashes; nullopt if it is not closed.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string out;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            text.remove_prefix(i + 1);
            return out;
        }
        if (text[i] == '\\' && ++i == text.size()) break;
        out += text[i];
    }
    return std::nullopt;
}

std::optional<std::string> take_value(std::string_view& text, Lexis lexis) {
    if (lexis == Lexis::token) skip_blanks_and_comments(text);
    if (!text.empty() && text[0] == '"') return take_quoted(text);
    const std::string_view token = take_token(text, lexis);
    if (token.empty()) return std::nullopt;
    return std::string(token);
}

std::optional<std::string> find_boundary(std::string_view text) {
    std::optional<std::string> boundary;
    for (;;) {
        skip_blanks_and_comments(text);
        if (text.empty() || text[0] != ';') return boundary;
        text.remove_prefix(1);
        const std::string_view name = take_token(text, Lexis::token);
        if (name.empty()) return boundary;
        skip_blanks_and_comments(text);
        if (text.empty() || text[0] != '=') continue;
        text.remove_prefix(1);
        const bool wanted = equals_ignoring_case(name, "boundary");
        auto value = take_value(text, wanted ? Lexis::boundary : Lexis::token);
        if (wanted && value) boundary = std::move(value);
    }
}

}  // namespace

std::optional<HeaderField> parse_header_field(std::string_view field) {
    skip_blanks_and_comments(field);
    const std::string_view name = take_run(field, is_field_name);
    if (name.empty()) return std::nullopt;
    skip_blanks_and_comments(field);
    if (field.empty() || field[0] != ':') return std::nullopt;
    field.remove_prefix(1);
    while (!field.empty() && is_space(field[0])) field.remove_prefix(1);
    return HeaderField{name, field};
}

std::optional<Encoding> parse_transfer_encoding(std::string_view value) {
    const std::string_view token = take_token(value, Lexis::token);
    if (token.empty()) return std::nullopt;
    if (equals_ignoring_case(token, "base64")) return Encoding::base64;
    if (equals_ignoring_case(token, "quoted-printable")) return Encoding::quoted_printable;
    return Encoding::identity;
}

std::optional<ContentType> parse_content_type(std::string_view value) {
    const std::string_view type = take_token(value, Lexis::token);
    if (type.empty()) return std::nullopt;
    skip_blanks_and_comments(value);
    if (value.empty() || value[0] != '/') return std::nullopt;
    value.remove_prefix(1);
    if (take_token(value, Lexis::token).empty()) return std::nullopt;
    ContentType out;
    if (equals_ignoring_case(type, "message")) {
        out.type = MediaType::message;
    } else if (equals_ignoring_case(type, "multipart")) {
        out.boundary = find_boundary(value);
        if (out.boundary) out.type = MediaType::multipart;
    }
    return out;
}

}  // namespace smtpscope::mime
