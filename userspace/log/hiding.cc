// SPDX-License-Identifier: BSD-3-Clause
#include "log/hiding.h"

#include <algorithm>

#include "base/ascii.h"
#include "log/matcher.h"
#include "records/reply.h"

namespace smtpscope::log {
namespace {

constexpr std::string_view replies = "last_reply", refusals = "rejected_rcptto";

/// What ends an address on either side. Bytes above ASCII are part of one (RFC 6531).
bool separates(char c) {
    return static_cast<unsigned char>(c) <= ' ' ||
           std::string_view("<>()[]{},;:\"\\@\x7f").find(c) != std::string_view::npos;
}

/// Where the local part before text[at] begins, not before `from`.
std::size_t local_part(std::string_view text, std::size_t from, std::size_t at) {
    std::size_t begin = at;
    if (at > from && text[at - 1] == '"') {
        const std::size_t quote = text.substr(from, at - 1 - from).rfind('"');
        return quote == text.npos ? at - 1 : from + quote;
    }
    while (begin > from && !separates(text[begin - 1])) --begin;
    return begin;
}

/// Where the domain from text[begin] on ends: an address literal ends with its bracket.
std::size_t domain(std::string_view text, std::size_t begin) {
    if (begin < text.size() && text[begin] == '[') {
        const std::size_t bracket = text.find_first_of("] ", begin);
        if (bracket != text.npos && text[bracket] == ']') return bracket + 1;
    }
    std::size_t end = begin;
    while (end < text.size() && !separates(text[end])) ++end;
    while (end > begin && text[end - 1] == '.') --end;
    return end;
}

/// Whether there is `: 550 `, or `: 550` at the end, at that place.
bool is_code(std::string_view text) {
    return text.size() >= 5 && text.starts_with(": ") && is_digit(text[2]) && is_digit(text[3]) && is_digit(text[4]) &&
           (text.size() == 5 || text[5] == ' ');
}

}  // namespace

std::optional<std::string> cannot_hide(const format::Column& column, Hiding how) {
    const Kind kind = kind_of(column);
    const bool text = kind == Kind::text;
    if (how == Hiding::sha256 && !text && kind != Kind::address)
        return column.name + " is neither text nor an address, which sha256 hides; omit it.";
    if (how == Hiding::addresses && !text) return column.name + " is no text that could hold mail addresses.";
    if (how == Hiding::code && column.name != replies && column.name != refusals)
        return "code is for replies (last_reply and rejected_rcptto); hide " + column.name + " by omit or sha256.";
    return std::nullopt;
}

std::string hide_addresses(std::string_view text, const files::KeyedHash& hash) {
    std::string out;
    std::size_t done = 0;
    for (std::size_t at = text.find('@'); at != text.npos; at = text.find('@', std::max(done, at + 1))) {
        const std::size_t begin = local_part(text, done, at), end = domain(text, at + 1);
        if (begin == at && end == at + 1) continue;
        out.append(text.substr(done, begin - done)).append(hash(text.substr(begin, end - begin)));
        done = end;
    }
    return out.append(text.substr(done));
}

std::string hide_reply_text(std::string_view reply) {
    const std::size_t digits = std::min(reply.find_first_not_of("0123456789"), reply.size());
    std::string out(reply.substr(0, std::min<std::size_t>(digits, 3)));
    if (digits < reply.size() && reply[digits] == ' ')
        if (const auto status = records::enhanced_status(reply.substr(digits + 1))) out.append(" ").append(*status);
    return out;
}

Refusal split_refusal(std::string_view entry) {
    for (std::size_t at = entry.find(": "); at != entry.npos; at = entry.find(": ", at + 2))
        if (is_code(entry.substr(at))) return {entry.substr(0, at), hide_reply_text(entry.substr(at + 2))};
    return {entry, {}};
}

void Hidden::begin(std::size_t columns) {
    how_.assign(columns, std::nullopt);
    texts_.clear();
    lists_.clear();
    any_ = false;
}

void Hidden::by_rule(std::size_t column, Hiding how) {
    if (!how_[column]) how_[column] = how;
    any_ = true;
}

void Hidden::at_least(std::size_t column, Hiding how) {
    how_[column] = how_[column] ? std::max(*how_[column], how) : how;
    any_ = true;
}

void Hidden::apply(const format::Stream& stream, std::vector<format::Value>& values, const files::KeyedHash& hash) {
    if (!any_) return;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::holds_alternative<std::monostate>(values[i])) how_[i].reset();
        if (how_[i]) values[i] = hide(values[i], stream.columns[i], *how_[i], hash);
    }
}

format::Marks Hidden::marks() const {
    format::Marks marks;
    for (const auto& how : how_) marks.push_back(how.has_value());
    return marks;
}

/// What describe() says of refusals, these fields say too.
void Hidden::hide_rejection(Info& rec) const {
    const auto omitted = [&](std::string_view name) {
        return how_[*format::find_column(format::stream_of(rec), name)] == Hiding::omit;
    };
    const bool recipients = omitted("rcptto") || omitted("rejected_rcptto");
    if (recipients) rec.rejected_recipients = 0;
    if (omitted("reply_code") || (recipients && rec.reply_code != rec.rejection.code)) rec.rejection = {};
    if (omitted("enhanced_status")) rec.rejection.status.clear();
}

std::string_view Hidden::keep(std::string text) {
    return texts_.emplace_back(std::move(text));
}

std::string Hidden::hidden_text(std::string_view text, const format::Column& column, Hiding how,
                                const files::KeyedHash& hash) const {
    const bool refusal = column.name == refusals;
    if (how == Hiding::addresses) return hide_addresses(text, hash);
    if (!refusal) return how == Hiding::code ? hide_reply_text(text) : hash(text);
    const Refusal parts = split_refusal(text);
    return (how == Hiding::code ? std::string(parts.address) : hash(parts.address)) + ": " + parts.reply;
}

format::Value Hidden::hide(const format::Value& value, const format::Column& column, Hiding how,
                           const files::KeyedHash& hash) {
    if (how == Hiding::omit) return {};
    const auto list = [&](const auto& items, auto text_of) {
        std::vector<std::string>& hidden = lists_.emplace_back();
        hidden.reserve(items.size());
        for (const auto& item : items) hidden.push_back(hidden_text(text_of(item), column, how, hash));
        return format::Value(std::span<const std::string>(hidden));
    };
    const auto text = [](const std::string& t) { return std::string_view(t); };
    const auto address = [](const Address& a) { return a.to_string(); };
    if (const auto* t = std::get_if<std::string_view>(&value)) return keep(hidden_text(*t, column, how, hash));
    if (const auto* a = std::get_if<Address>(&value)) return keep(hidden_text(a->to_string(), column, how, hash));
    if (const auto* t = std::get_if<std::span<const std::string>>(&value)) return list(*t, text);
    if (const auto* a = std::get_if<std::span<const Address>>(&value)) return list(*a, address);
    return {};
}

}  // namespace smtpscope::log
