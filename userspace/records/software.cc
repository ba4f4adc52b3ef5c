// SPDX-License-Identifier: BSD-3-Clause
#include "records/software.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/ascii.h"

namespace smtpscope::records {

namespace {

using Text = std::string_view;

constexpr Text digits = "0123456789", number = "0123456789.";

bool contains(Text text, Text part) {
    return text.find(part) != text.npos;
}
bool is_one_of(char c, Text set) {
    return set.find(c) != set.npos;
}
/// How many characters of `set` there are from `from` on.
std::size_t run(Text text, std::size_t from, Text set) {
    return std::min(text.find_first_not_of(set, from), text.size()) - std::min(from, text.size());
}
Text stripped(Text text) {
    constexpr Text space = " \t\n\v\f\r";
    text.remove_prefix(run(text, 0, space));
    while (!text.empty() && is_one_of(text.back(), space)) text.remove_suffix(1);
    return text;
}

/// The parts between up to `most` separators; what follows those stays in one part.
std::vector<Text> split(Text text, Text separators, std::size_t most) {
    std::vector<Text> parts;
    while (parts.size() < most) {
        const std::size_t at = text.find_first_of(separators);
        if (at == text.npos) break;
        parts.push_back(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    parts.push_back(text);
    return parts;
}

/// The first number in a text, 0 if there is none; nullopt if it has more than 64 bits.
std::optional<std::uint64_t> count_in(Text text) {
    const std::size_t at = text.find_first_of(digits);
    if (at == text.npos) return 0;
    std::uint64_t value = 0;
    if (std::from_chars(text.data() + at, text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
    return value;
}

// ---- escapes

/// The byte that two hex digits at `at` stand for; -1 if they are not there.
int hex_byte(Text text, std::size_t at) {
    if (at + 2 > text.size() || hex_value(text[at]) < 0 || hex_value(text[at + 1]) < 0) return -1;
    return hex_value(text[at]) << 4 | hex_value(text[at + 1]);
}

/// `%41`, `%u0041` and `\x41` as the bytes that they stand for. Malformed escapes are kept, but `%%` becomes `%`.
std::string unescaped(Text raw) {
    std::string text;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const bool escape = raw.substr(i, 2) == "\\x";
        text += escape ? '%' : raw[i];
        if (escape) ++i;
    }
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t left = text.size() - i - 1;
        if (text[i] != '%' || left < 2) {
            out += text[i];
        } else if (text[i + 1] == '%') {
            continue;
        } else if (const int byte = hex_byte(text, i + 1); byte >= 0) {
            out += static_cast<char>(byte);
            i += 2;
        } else if (text[i + 1] == 'u' && hex_byte(text, i + 2) >= 0 && hex_byte(text, i + 4) >= 0) {
            if (const int high = hex_byte(text, i + 2); high > 0) out += static_cast<char>(high);
            out += static_cast<char>(hex_byte(text, i + 4));
            i += 5;
        } else {
            out.append(text, i, 2);
            ++i;
        }
    }
    return out;
}

// ---- a name, then a version

/// Where a version begins, including the separator before it, and the length of both; length 0: nowhere.
struct Place {
    std::size_t begin = 0, length = 0;
};

Place find_version(Text text) {
    constexpr Text of_version = "0123456789-._, ";
    constexpr std::size_t shortest = 2;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t separator = 0;
        if (text[i] == '/') separator = 1;
        if (text[i] == ' ' && run(text, i + 1, "(v") > 0) separator = 1 + run(text, i + 1, "(v");
        if (separator == 0 && !is_one_of(text[i], of_version)) continue;
        const std::size_t length = run(text, i + separator, of_version);
        if (length >= shortest) return {i, separator + length};
    }
    return {text.size(), 0};
}

/// Length of the separator at the beginning of `text`: one of `/-_`, or a blank and some of `(v`.
std::size_t separator_at(Text text, std::size_t at) {
    if (is_one_of(text[at], "/-_")) return 1;
    const std::size_t n = text[at] == ' ' ? run(text, at + 1, "(v") : 0;
    return n > 0 ? n + 1 : 0;
}

bool ends_with_separator(Text text) {
    if (text.empty()) return false;
    if (is_one_of(text.back(), "/-_")) return true;
    const std::size_t last = text.find_last_not_of("(v");
    return last != text.npos && last + 1 < text.size() && text[last] == ' ';
}

std::string name_of(Text text) {
    std::string name(text);
    if (ends_with_separator(name)) {
        std::size_t first = 0;  // the reference removes the first separator, which may not be the one at the end
        while (separator_at(name, first) == 0) ++first;
        name.erase(first, separator_at(name, first));
        name = stripped(name);
    }
    if (name.starts_with('(')) name.erase(0, 1);
    name = stripped(name);
    return name == "Flash Player" ? "Flash" : name;
}

/// What follows the numbers of a version: the text in parentheses, or the first word.
std::string addl_of(Text rest) {
    const std::size_t open = run(rest, 0, " \t");
    if (open < rest.size() && rest[open] == '(') {
        const Text inside = rest.substr(open + 1);
        const std::size_t close = inside.find_first_of("()");
        const auto is_plain = [](char c) { return is_alphanumeric(c) || is_one_of(c, "-._ \t"); };
        if (close != inside.npos && inside[close] == ')' &&
            std::all_of(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(close), is_plain))
            return std::string(inside.substr(0, close));
    }
    const std::vector<Text> parts = split(rest, "-._,;[](){} ", 3);
    for (std::size_t i = 0; i < std::min<std::size_t>(parts.size(), 3); ++i)
        if (!parts[i].empty()) return std::string(stripped(parts[i]));
    return std::string(stripped(rest));
}

Software parse_plain(Text unparsed) {
    const std::string clean = unescaped(unparsed);
    const Place place = find_version(clean);
    Software out;
    out.name = name_of(Text(clean).substr(0, place.begin));
    if (place.length == 0) return out;

    Text version = stripped(Text(clean).substr(place.begin, place.length));
    if (!version.empty() && is_one_of(version.front(), "/-._v(")) version = stripped(version.substr(1));
    std::optional<std::uint64_t>* const members[] = {&out.version_major, &out.version_minor, &out.version_minor2,
                                                     &out.version_minor3};
    const std::vector<Text> numbers = split(version, "-._,[({ ", 3);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (!numbers[i].empty()) *members[i] = count_in(numbers[i]);
    const Text rest = Text(clean).substr(place.begin + place.length);
    if (!rest.empty() && rest != ")") out.version_addl = addl_of(rest);
    return out;
}

// ---- what says that it is Mozilla or Opera

/// The first `word` with all characters of `more` that follow it; empty if it is not there.
Text token(Text text, Text word, Text more) {
    const std::size_t at = text.find(word);
    return at == text.npos ? Text() : text.substr(at, word.size() + run(text, at + word.size(), more));
}

bool in_order(Text text, Text first, Text second) {
    const std::size_t at = text.find(first);
    return at != text.npos && text.find(second, at + first.size()) != text.npos;
}

/// `MSIE ` with a version such as `7.0` or `7.0b2`.
Text msie_token(Text text) {
    constexpr Text word = "MSIE ";
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
        std::size_t end = at + word.size();
        const std::size_t major = run(text, end, digits);
        if (major == 0) continue;
        end += major;
        if (major <= 2) {
            end += run(text, end, ".");
            end += run(text, end, digits);
        }
        if (end < text.size() && text[end] == 'b') ++end;
        end += run(text, end, digits);
        return text.substr(at, end - at);
    }
    return {};
}

Software named(Text name, Text version) {
    Software out = version.empty() ? Software{} : parse_plain(version);
    out.name = name;
    return out;
}

Software msie(Text text) {
    // The layout engine tells the version better, because of compatibility modes.
    constexpr struct {
        Text engine;
        std::uint64_t version;
    } engines[] = {{"Trident/4.0", 8}, {"Trident/5.0", 9}, {"Trident/6.0", 10}, {"Trident/7.0", 11}};
    for (const auto& e : engines) {
        if (!contains(text, e.engine)) continue;
        Software out = named("MSIE", {});
        out.version_major = e.version;
        out.version_minor = 0;
        return out;
    }
    return named("MSIE", msie_token(text));
}

Software opera(Text text) {
    const Text version = token(text, "Version/", number);
    if (!contains(text, "Opera Mini/") && !contains(text, "Opera Mobi/")) return named("Opera", version);
    const bool mini = text.find("Opera Mini") < text.find("Opera Mobi");
    return named(mini ? "Opera Mini" : "Opera Mobi", version.empty() ? token(text, "Opera Mini/", number) : version);
}

/// The first product that gives its own name and version; empty if there is none.
Text own_token(Text text) {
    Text first;
    for (const Text product : {"Firefox/", "Netscape/", "Thunderbird/"})
        if (const Text t = token(text, product, number); !t.empty() && (first.empty() || t.data() < first.data()))
            first = t;
    return first;
}

Software parse_mozilla(Text text) {
    if (const std::size_t at = text.rfind("Opera ");
        at != text.npos && at + 6 + run(text, at + 6, number) == text.size())
        return named("Opera", text.substr(at));
    if (contains(text, " MSIE ") || contains(text, "Trident/")) return msie(text);
    if (contains(text, "Edge/")) return named("Edge", token(text, "Edge/", number));
    if (in_order(text, "Version/", "Safari/")) {
        Software out = named("Safari", token(text, "Version/", number));
        if (in_order(text, " Mobile", " Safari")) out.version_addl = "Mobile";
        return out;
    }
    if (const Text own = own_token(text); !own.empty()) return parse_plain(own);
    if (in_order(text, "Chrome/", "Safari/")) return named("Chrome", token(text, "Chrome/", number));
    if (text.starts_with("Opera/")) return opera(text);
    if (contains(text, "Flash%20Player")) return named("Flash", split(text, "/ ", 2)[1]);
    if (contains(text, "AdobeAIR/")) return named("AdobeAIR", token(text, "AdobeAIR/", number));
    if (contains(text, "AppleWebKit/")) return named("Unspecified WebKit", token(text, "AppleWebKit/", number));
    for (std::size_t at = text.find(" Java/"); at != text.npos; at = text.find(" Java/", at + 1))
        if (run(text, at + 6, digits) > 0 && text.substr(at + 7, 1) == ".")
            return named("Java", token(text, "Java/", "0123456789._"));
    return named("<unknown browser>", {});
}

bool is_mozilla(Text text) {
    for (const Text product : {"Mozilla/", "Opera/"}) {
        const std::size_t major = text.starts_with(product) ? run(text, product.size(), digits) : 0;
        if (major > 0 && text.substr(product.size() + major, 1) == ".") return true;
    }
    return false;
}

bool is_pixel(Text text) {
    for (std::size_t at = text.find("A/"); at != text.npos; at = text.find("A/", at + 2))
        if (text.substr(at + 2 + run(text, at + 2, number)).starts_with("/Google/Pixel")) return true;
    return false;
}

Software parse_pixel(Text text) {
    const Text version = split(text, "/", 2)[1];
    Software out = named("Android (Google Pixel)", contains(version, ".") ? version : Text());
    if (!contains(version, ".")) out.version_major = count_in(version);
    return out;
}

}  // namespace

bool matches_webmail(Text user_agent, const std::vector<std::string>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(), [&](Text pattern) {
        return pattern.starts_with('^') ? user_agent.starts_with(pattern.substr(1)) : contains(user_agent, pattern);
    });
}

void parse_version(Software& software) {
    const Text text = software.unparsed_version;
    Software parsed = is_mozilla(text) ? parse_mozilla(text) : is_pixel(text) ? parse_pixel(text) : parse_plain(text);
    software.name = std::move(parsed.name);
    software.version_major = parsed.version_major;
    software.version_minor = parsed.version_minor;
    software.version_minor2 = parsed.version_minor2;
    software.version_minor3 = parsed.version_minor3;
    software.version_addl = std::move(parsed.version_addl);
}

std::optional<Software> detect(const Info& rec, const AnalyzerOptions& analyzer, const SoftwareOptions& software) {
    if (!rec.user_agent || rec.path.empty()) return std::nullopt;
    if (!addr_matches_host(rec.id.orig_h, analyzer.detect_clients_in_messages_from, analyzer.local_nets))
        return std::nullopt;
    // Where the first server got the mail by HTTP, the last address is the browser's, and the one before it runs the
    // webmail software.
    const bool by_http = rec.is_webmail && rec.first_received && contains(*rec.first_received, "via HTTP");
    const std::size_t from_end = by_http && rec.path.size() > 1 ? 2 : 1;
    const Address& host = rec.path[rec.path.size() - from_end];
    if (!addr_matches_host(host, software.asset_tracking, analyzer.local_nets)) return std::nullopt;
    Software out;
    out.ts = rec.ts;
    out.id = rec.id;
    out.host = host;
    out.software_type = rec.is_webmail ? "SMTP::WEBMAIL_SERVER" : "SMTP::MAIL_CLIENT";
    out.unparsed_version = *rec.user_agent;
    return out;
}

SoftwareTracker::SoftwareTracker(const SoftwareOptions& options, std::uint64_t seed)
    : options_(options), seed_(seed), told_(options.max_tracked) {}

bool SoftwareTracker::is_news(const Software& found) {
    const std::uint64_t key = mix(mix(seed_, std::hash<Text>{}(found.unparsed_version)), found.host);
    return told_.insert(key, to_milliseconds(found.ts),
                        std::chrono::ceil<std::chrono::milliseconds>(options_.repeat_interval).count());
}

void SoftwareTracker::set_options(const SoftwareOptions& options) {
    if (options.max_tracked != options_.max_tracked) told_ = RecentKeys(options.max_tracked);
    options_ = options;
}

}  // namespace smtpscope::records
