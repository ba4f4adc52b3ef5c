// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/text.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "smtpscope/address.h"

namespace smtpscope {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}
bool is_space(char c) {
    return is_blank(c) || (c >= '\n' && c <= '\r');
}
constexpr auto hex_digits = [] {
    std::array<bool, 256> is{};
    for (const char c : std::string_view("0123456789abcdefABCDEF")) is[static_cast<std::uint8_t>(c)] = true;
    return is;
}();
bool is_hex(char c) {
    return hex_digits[static_cast<std::uint8_t>(c)];
}

bool begins_address(char c) {
    return c == '<' || c == ',' || c == ':' || is_blank(c);
}
bool ends_address(char c) {
    return c == '>' || c == ',' || c == ';' || is_blank(c);
}

std::string without_punctuation(std::string_view text) {
    std::string out(text);
    std::erase_if(out, [](char c) { return begins_address(c) || ends_address(c); });
    return out;
}

/// Calls `found` with each address until it returns false.
template <typename Found>
void each_email_addr(std::string_view text, Found found) {
    std::size_t start = 0;
    while (start < text.size()) {
        if (begins_address(text[start])) {
            ++start;
            continue;
        }
        std::size_t at = start;
        while (at < text.size() && text[at] != '@' && !begins_address(text[at])) ++at;
        if (at == text.size()) return;
        std::size_t end = at + 1;
        if (text[at] != '@' || at == start || end == text.size() || ends_address(text[end])) {
            start = end;  // anything that begins before that end fails as well
            continue;
        }
        while (end < text.size() && !ends_address(text[end])) ++end;
        if (!found(without_punctuation(text.substr(start, end - start)))) return;
        start = std::min(end + 1, text.size());
    }
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Positions of one character in a text, asked for in rising order.
class NextOf {
  public:
    NextOf(std::string_view text, char c) : text_(text), c_(c) {}
    /// The first one at or after `from`; the text's size if there is none.
    std::size_t at(std::size_t from) {
        if (from < asked_ || from > next_) {
            next_ = std::min(text_.find(c_, from), text_.size());
            asked_ = from;
        }
        return next_;
    }

  private:
    std::string_view text_;
    char c_;
    std::size_t asked_ = 1, next_ = 0;
};

/// An optional quoted display name, then a part up to the next comma with an `@` inside.
class MailboxScanner {
  public:
    explicit MailboxScanner(std::string_view text) : text_(text), quotes_(text, '"'), after_name_(text), plain_(text) {}

    /// The end of the mailbox that begins at `start`; 0 if none does.
    std::size_t match(std::size_t start) {
        if (text_[start] == '"') {
            const std::size_t quote = quotes_.at(start + 1);
            if (quote < text_.size())
                if (const std::size_t end = after_name_.match(quote + 1)) return end;
        }
        return plain_.match(start);
    }
    /// The next position after a failure at `start` where one could begin.
    std::size_t retry(std::size_t start) { return std::min(quotes_.at(start + 1), plain_.commas.at(start) + 1); }

  private:
    /// Each use asks in rising order, so each has its own positions: the total time stays linear.
    struct Part {
        explicit Part(std::string_view t) : text(t), commas(t, ','), ats(t, '@') {}
        std::size_t match(std::size_t start) {
            if (start >= text.size()) return 0;
            const std::size_t end = commas.at(start);
            const std::size_t at = end > start ? ats.at(start + 1) : end;
            return at + 1 < end ? end : 0;
        }
        std::string_view text;
        NextOf commas, ats;
    };

    std::string_view text_;
    NextOf quotes_;
    Part after_name_, plain_;
};

// ---- IP addresses

std::size_t hex_run(std::string_view text, std::size_t from, std::size_t most) {
    std::size_t n = 0;
    while (n < most && from + n < text.size() && is_hex(text[from + n])) ++n;
    return n;
}

/// Length of the longest number from 0 to 255 at `from`: two digits, or three that begin with 0, 1 or 2.
std::size_t octet(std::string_view text, std::size_t from) {
    std::size_t n = 0;
    while (n < 3 && from + n < text.size() && is_digit(text[from + n])) ++n;
    if (n < 3) return n;
    const int value = (text[from] - '0') * 100 + (text[from + 1] - '0') * 10 + (text[from + 2] - '0');
    return value <= 255 ? 3 : 2;
}

/// Length of the IPv4 address at `from`, 0 if there is none.
std::size_t match_v4(std::string_view text, std::size_t from) {
    std::size_t at = from;
    for (int i = 0; i < 4; ++i) {
        const std::size_t n = octet(text, at);
        if (n == 0) return 0;
        at += n;
        if (i == 3) return at - from;
        if (at >= text.size() || text[at] != '.') return 0;
        ++at;
    }
    return 0;
}

/// The furthest end of up to `most` groups joined by colons from `at` on; with an IPv4 address after one of them where
/// `then_v4` (the reference's pattern has no colon before it).
std::size_t match_groups(std::string_view text, std::size_t at, int most, bool then_v4) {
    std::size_t best = then_v4 ? 0 : at;
    if (then_v4)
        if (const std::size_t n = match_v4(text, at)) best = at + n;
    for (int i = 0; i < most; ++i) {
        const std::size_t run = hex_run(text, at, 4);
        if (run == 0) break;
        if (then_v4) {
            for (std::size_t used = 1; used <= run; ++used)
                if (const std::size_t n = match_v4(text, at + used)) best = std::max(best, at + used + n);
        } else {
            best = at + run;
        }
        at += run;
        if (at >= text.size() || text[at] != ':') break;
        ++at;
    }
    return best;
}

/// Length of the longest IPv6 address at `from`, in every form of RFC 4291, 2.2; 0 if there is none.
std::size_t match_v6(std::string_view text, std::size_t from) {
    std::size_t best = 0;
    const auto found = [&](std::size_t end) { best = std::max(best, end > from ? end - from : 0); };
    std::size_t at = from;
    for (int groups = 0; groups <= 7; ++groups) {
        // `groups` groups, each with a colon, have been read; `::` begins with the last of these colons, or here for
        // none.
        const bool after_colon = groups > 0;
        const std::size_t rest = after_colon ? at - 1 : at;
        if (text.substr(rest).starts_with("::")) {
            found(match_groups(text, rest + 2, 7 - groups, false));
            if (groups <= 5) found(match_groups(text, rest + 2, 5 - groups, true));
        }
        if (groups == 6)
            if (const std::size_t n = match_v4(text, at)) found(at + n);
        const std::size_t run = hex_run(text, at, 4);
        if (run == 0) break;
        at += run;
        if (groups == 7) {
            found(at);
            break;
        }
        if (at >= text.size() || text[at] != ':') break;
        ++at;
    }
    return best;
}

/// What precedes the address in a literal (RFC 5321, 4.1.3). Its last digit is not part of the address.
constexpr std::string_view literal_tag = "IPv6:";

bool ends_with_tag(std::string_view text) {
    return text.size() >= literal_tag.size() &&
           equals_ignoring_case(text.substr(text.size() - literal_tag.size()), literal_tag);
}

/// The first position from `from` on where an address can begin: at `::`, or where the run of hex digits that it begins
/// with is short enough and ends at a dot or colon. Most of the text of a header field is skipped this way.
std::size_t next_ip_candidate(std::string_view text, std::size_t from) {
    constexpr std::size_t longest_octet = 3, longest_group = 4;
    std::size_t i = from;
    while (i < text.size()) {
        if (!is_hex(text[i])) {
            if (text[i] == ':' && text.substr(i, 2) == "::") return i;
            ++i;
            continue;
        }
        std::size_t end = i + 1;
        while (end < text.size() && is_hex(text[end])) ++end;
        if (end < text.size() && text[end] == '.') return std::max(i, end - std::min(end, longest_octet));
        const bool colon = end < text.size() && text[end] == ':';
        const bool tag = colon && ends_with_tag(text.substr(0, end + 1));
        if (colon && !tag) return std::max(i, end - std::min(end, longest_group));
        i = tag ? end + 1 : end;
    }
    return text.size();
}

bool is_wrapped(std::string_view before, std::string_view after) {
    if (ends_with_tag(before)) before.remove_suffix(literal_tag.size());
    if (before.empty() && after.empty()) return true;
    if (before.empty() || after.empty()) return false;
    constexpr std::string_view opening = "[({ ", closing = "])} ";
    const auto pair = opening.find(before.back());
    return pair != opening.npos && closing[pair] == after.front();
}

}  // namespace

std::vector<std::string> extract_email_addrs(std::string_view text) {
    std::vector<std::string> out;
    each_email_addr(text, [&](std::string address) {
        out.push_back(std::move(address));
        return true;
    });
    return out;
}

std::string extract_first_email_addr(std::string_view text) {
    std::string out;
    each_email_addr(text, [&](std::string address) {
        out = std::move(address);
        return false;
    });
    return out;
}

std::vector<std::string> split_mime_email_addresses(std::string_view value) {
    std::vector<std::string> out;
    MailboxScanner scanner(value);
    std::size_t start = 0;
    while (start < value.size()) {
        if (const std::size_t end = scanner.match(start)) {
            out.emplace_back(trimmed(value.substr(start, end - start)));
            start = end;
        } else {
            start = scanner.retry(start);
        }
    }
    return out;
}

std::vector<std::string_view> extract_ip_addresses(std::string_view text, Wrapping wrapping) {
    struct Match {
        std::size_t begin, length;
    };
    std::vector<Match> matches;
    for (std::size_t i = next_ip_candidate(text, 0); i < text.size();) {
        const std::size_t length = std::max(match_v4(text, i), match_v6(text, i));
        if (length > 0) matches.push_back({i, length});
        i = next_ip_candidate(text, i + std::max<std::size_t>(length, 1));
    }
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < matches.size(); ++i) {
        const auto [begin, length] = matches[i];
        const std::string_view address = text.substr(begin, length);
        const std::size_t from = i > 0 ? matches[i - 1].begin + matches[i - 1].length : 0;
        const std::size_t to = i + 1 < matches.size() ? matches[i + 1].begin : text.size();
        const bool taken = wrapping == Wrapping::any || is_wrapped(text.substr(from, begin - from),
                                                                   text.substr(begin + length, to - begin - length));
        if (taken && Address::parse(address)) out.push_back(address);
    }
    return out;
}

}  // namespace smtpscope
