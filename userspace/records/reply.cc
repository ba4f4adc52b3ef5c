// SPDX-License-Identifier: BSD-3-Clause
#include "records/reply.h"

#include <algorithm>

#include "base/ascii.h"

namespace smtpscope::records {

namespace {

constexpr std::size_t max_id_length = 128;
constexpr std::size_t max_keyword_length = 64;

bool is_id(char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

std::string_view skip_blanks(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

/// The word at the beginning, up to a blank.
std::string_view word(std::string_view text) {
    return text.substr(0, text.find(' '));
}

/// The id that the text begins with. An id has a digit, unlike a word.
std::optional<std::string_view> leading_id(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_id);
    std::string_view id = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    while (id.ends_with('.')) id.remove_suffix(1);
    if (id.size() < 4 || id.size() > max_id_length || std::none_of(id.begin(), id.end(), is_digit)) return std::nullopt;
    return id;
}

std::optional<std::string_view> id_after(std::string_view text, std::string_view key) {
    const std::size_t at = find_ignoring_case(text, key);
    if (at == text.npos) return std::nullopt;
    return leading_id(text.substr(at + key.size()));
}

std::string_view without_status(std::string_view text) {
    if (const auto status = enhanced_status(text)) {
        text.remove_prefix(status->size());
        if (text.starts_with(':')) text.remove_prefix(1);  // as OpenSMTPD did
    }
    return skip_blanks(text);
}

/// `OK  1700000000 a1-2b3c.4 - gsmtp`: the time, then the id.
std::optional<std::string_view> gmail_id(std::string_view text) {
    if (!text.ends_with(" - gsmtp") || find_ignoring_case(text, "ok ") != 0) return std::nullopt;
    text = skip_blanks(text.substr(3));
    const std::string_view time = word(text);
    if (time.empty() || !std::all_of(time.begin(), time.end(), is_digit)) return std::nullopt;
    return leading_id(skip_blanks(text.substr(time.size())));
}

}  // namespace

std::optional<std::string_view> enhanced_status(std::string_view text) {
    const std::string_view status = text.substr(0, text.find_first_not_of("0123456789."));
    if (status.size() < text.size() && text[status.size()] != ' ' && text[status.size()] != ':') return std::nullopt;
    if (status.size() < 5 || status[1] != '.' || std::string_view("245").find(status[0]) == status.npos)
        return std::nullopt;
    const std::size_t dot = status.find('.', 2);
    const auto is_number = [](std::string_view n) {
        return !n.empty() && n.size() <= 3 && n.find('.') == n.npos && (n.size() == 1 || n[0] != '0');
    };
    if (dot == status.npos || !is_number(status.substr(2, dot - 2)) || !is_number(status.substr(dot + 1)))
        return std::nullopt;
    return status;
}

std::optional<std::string_view> queue_id(std::string_view text) {
    text = without_status(text);
    // Exchange: `<message-id> [InternalId=42, Hostname=ex.example] 1234 bytes in 0.1, 12 KB/sec Queued mail for
    // delivery`
    if (auto id = id_after(text, "[internalid=")) return id;
    // Postfix: `Ok: queued as 4Zx1Y20mKzz9rxN`; the same words elsewhere, as in `(queued as ...)`
    if (auto id = id_after(text, "queued as ")) return id;
    // Exim: `OK id=1qLJ8g-0004Xc-2x`
    if (auto id = id_after(text, "ok id=")) return id;
    if (auto id = gmail_id(text)) return id;
    // Sendmail and OpenSMTPD: `3A8Ll0n4 Message accepted for delivery`
    const std::string_view first = word(text);
    if (skip_blanks(text.substr(first.size())).starts_with("Message accepted for delivery")) {
        const auto id = leading_id(first);
        if (id && id->size() == first.size()) return id;
    }
    // qmail: `ok 1700000000 qp 4711`
    if (const std::size_t qp = text.find(" qp "); qp != text.npos && find_ignoring_case(text, "ok ") == 0) {
        const std::string_view id = word(text.substr(qp + 4));
        if (!id.empty() && std::all_of(id.begin(), id.end(), is_digit)) return id;
    }
    return std::nullopt;
}

std::string extension_keyword(std::string_view text) {
    std::string keyword(text.substr(0, text.find_first_of(" =")));  // `AUTH=LOGIN` is an old form of `AUTH LOGIN`
    if (keyword.empty() || keyword.size() > max_keyword_length || !is_alphanumeric(keyword[0]) ||
        !std::all_of(keyword.begin(), keyword.end(), is_id))
        return {};
    std::transform(keyword.begin(), keyword.end(), keyword.begin(), to_upper);
    return keyword;
}

}  // namespace smtpscope::records
