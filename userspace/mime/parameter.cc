// SPDX-License-Identifier: BSD-3-Clause
#include "mime/parameter.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/quoted_printable.h"

namespace smtpscope::mime {

namespace {

constexpr std::size_t max_sections = 64;  // of a parameter that is split (RFC 2231, 3)

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// The quoted string after its opening quote. A backslash before anything but a quote or another one is part of a
/// Windows path.
std::string take_quoted(std::string_view& text) {
    std::string out;
    while (!text.empty() && text[0] != '"') {
        if (text[0] == '\\' && text.size() > 1 && (text[1] == '"' || text[1] == '\\')) text.remove_prefix(1);
        out += text[0];
        text.remove_prefix(1);
    }
    return out;
}

struct Parameter {
    std::string_view name;
    std::string value;
};

/// The next parameter, which is removed from the text with the semicolon before it.
std::optional<Parameter> take_parameter(std::string_view& text) {
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(";=");
        if (end == text.npos) break;
        const std::string_view name = trim(text.substr(0, end));
        const bool has_value = text[end] == '=';
        text.remove_prefix(end + 1);
        if (!has_value) continue;
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        Parameter p{name, {}};
        if (text.starts_with('"')) {
            text.remove_prefix(1);
            p.value = take_quoted(text);
        } else {
            p.value = trim(text.substr(0, text.find(';')));
        }
        text.remove_prefix(std::min(text.find(';'), text.size()));
        if (text.starts_with(';')) text.remove_prefix(1);
        return p;
    }
    return std::nullopt;
}

std::string decode_percent(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high << 4 | low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// All forms of one parameter: `name`, `name*`, `name*0`, `name*0*`.
class Forms {
  public:
    explicit Forms(std::string_view name) : name_(name) {}

    void add(Parameter&& p) {
        std::string_view rest = p.name;
        if (!equals_ignoring_case(rest.substr(0, name_.size()), name_)) return;
        rest.remove_prefix(name_.size());
        const bool extended = rest.ends_with('*');
        if (extended) rest.remove_suffix(1);
        if (rest.empty()) {
            auto& form = extended ? extended_ : plain_;
            if (!form) form = std::move(p.value);
        } else if (rest.starts_with('*')) {
            add_section(rest.substr(1), extended, std::move(p.value));
        }
    }

    /// The best of them: the extended one says what the plain one can only approximate (RFC 6266, 4.3).
    std::optional<std::string> best() const {
        if (extended_) return decode_extended(*extended_);
        if (!sections_[0].value.empty()) return joined();
        if (!plain_) return std::nullopt;
        return plain_->find("=?") == plain_->npos ? *plain_ : decode_encoded_words(*plain_);
    }

  private:
    struct Section {
        bool extended = false;
        std::string value;
    };

    void add_section(std::string_view number, bool extended, std::string&& value) {
        std::size_t n = max_sections;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), n);
        if (error != std::errc() || end != number.data() + number.size() || n >= max_sections) return;
        if (sections_[n].value.empty()) sections_[n] = {extended, std::move(value)};
    }

    /// `charset'language'percent-encoded` (RFC 2231, 4)
    static std::string decode_extended(std::string_view value) {
        const std::size_t charset_end = value.find('\'');
        const std::size_t language_end = charset_end == value.npos ? value.npos : value.find('\'', charset_end + 1);
        if (language_end == value.npos) return valid_utf8(decode_percent(value));
        const std::string bytes = decode_percent(value.substr(language_end + 1));
        const auto text = to_utf8(value.substr(0, charset_end), bytes);
        return text ? *text : valid_utf8(bytes);
    }

    std::string joined() const {
        std::string charset, bytes;
        for (const Section& s : sections_) {
            if (s.value.empty()) break;
            std::string_view value = s.value;
            if (&s == &sections_[0] && s.extended) {
                const std::size_t charset_end = value.find('\'');
                const std::size_t language_end =
                    charset_end == value.npos ? value.npos : value.find('\'', charset_end + 1);
                if (language_end != value.npos) {
                    charset = value.substr(0, charset_end);
                    value.remove_prefix(language_end + 1);
                }
            }
            bytes += s.extended ? decode_percent(value) : std::string(value);
        }
        if (charset.empty()) return bytes.find("=?") == bytes.npos ? bytes : decode_encoded_words(bytes);
        const auto text = to_utf8(charset, bytes);
        return text ? *text : valid_utf8(bytes);
    }

    std::string_view name_;
    std::optional<std::string> plain_, extended_;
    std::array<Section, max_sections> sections_;
};

std::optional<std::string> filename(std::string_view value, std::string_view parameter) {
    // Most fields have none.
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    if (std::search(value.begin(), value.end(), parameter.begin(), parameter.end(), same) == value.end())
        return std::nullopt;
    Forms forms(parameter);
    while (auto p = take_parameter(value)) forms.add(std::move(*p));
    auto name = forms.best();
    if (name && name->size() > max_filename_length) name->resize(max_filename_length);
    return name;
}

}  // namespace

std::optional<std::string> filename_of_disposition(std::string_view value) {
    return filename(value, "filename");
}

std::optional<std::string> filename_of_content_type(std::string_view value) {
    return filename(value, "name");
}

}  // namespace smtpscope::mime
