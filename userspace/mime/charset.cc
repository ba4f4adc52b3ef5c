// SPDX-License-Identifier: BSD-3-Clause
#include "mime/charset.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "mime/header.h"

namespace smtpscope::mime {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";
constexpr std::size_t max_name_length = 40;
constexpr std::size_t most_open = 16;  // converters that a thread keeps: some hundreds of bytes each, and slow to open

/// iconv takes more than names: what follows a slash are its own options.
bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= max_name_length && std::all_of(name.begin(), name.end(), [](char c) {
        return is_alphanumeric(c) || std::string_view("-_.:+()").find(c) != std::string_view::npos;
    });
}

class Converter {
  public:
    explicit Converter(std::string_view charset)
        : charset_(charset),
          handle_(iconv_open("UTF-8", charset_.c_str())),
          valid_(reinterpret_cast<std::intptr_t>(handle_) != -1) {}
    ~Converter() {
        if (valid_) iconv_close(handle_);
    }
    Converter(Converter&& other) noexcept
        : charset_(std::move(other.charset_)), handle_(other.handle_), valid_(std::exchange(other.valid_, false)) {}
    Converter& operator=(Converter&& other) noexcept {
        std::swap(charset_, other.charset_);
        std::swap(handle_, other.handle_);
        std::swap(valid_, other.valid_);
        return *this;
    }
    bool valid() const { return valid_; }
    const std::string& charset() const { return charset_; }

    std::string convert(std::string_view bytes) {
        iconv(handle_, nullptr, nullptr, nullptr, nullptr);
        std::string out;
        auto* in = const_cast<char*>(bytes.data());
        std::size_t left = bytes.size();
        while (left > 0 && !step(&in, &left, out)) {
            // An invalid octet, or a character that is cut off.
            out += replacement;
            ++in;
            --left;
        }
        step(nullptr, nullptr, out);
        return out;
    }

  private:
    /// False at something that cannot be converted.
    bool step(char** in, std::size_t* left, std::string& out) {
        for (;;) {
            char buffer[512];
            char* to = buffer;
            std::size_t room = sizeof buffer;
            const std::size_t result = iconv(handle_, in, left, &to, &room);
            const int error = errno;
            out.append(buffer, sizeof buffer - room);
            if (result != static_cast<std::size_t>(-1)) return true;
            if (error != E2BIG) return false;
        }
    }

    std::string charset_;
    iconv_t handle_;
    bool valid_;
};

/// The thread's converter for the charset, the one used last in front; nullptr if there is none.
Converter* find_converter(std::string_view charset) {
    thread_local std::vector<Converter> open;
    const auto it = std::find_if(open.begin(), open.end(), [&](const Converter& c) { return c.charset() == charset; });
    if (it != open.end()) {
        std::rotate(open.begin(), it, it + 1);
        return open.front().valid() ? &open.front() : nullptr;
    }
    // Names that do not exist are remembered too: looking for one costs more than any conversion.
    if (open.size() == most_open) open.pop_back();
    open.emplace_back(charset);
    std::rotate(open.begin(), open.end() - 1, open.end());
    return open.front().valid() ? &open.front() : nullptr;
}

std::uint8_t octet(char c) {
    return static_cast<std::uint8_t>(c);
}

/// How many bytes at the front are ASCII: nearly always all of them.
std::size_t ascii_prefix(std::string_view text) {
    std::size_t i = 0;
    for (std::uint64_t word = 0; i + sizeof word <= text.size(); i += sizeof word) {
        std::memcpy(&word, text.data() + i, sizeof word);
        if ((word & 0x8080808080808080ULL) != 0) break;
    }
    while (i < text.size() && octet(text[i]) < 0x80) ++i;
    return i;
}

/// Bytes of the character that the text begins with; 0 if it is not valid.
std::size_t character_length(std::string_view text) {
    const std::uint8_t lead = octet(text[0]);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((octet(text[i]) & 0xc0) != 0x80) return 0;
    const std::uint8_t second = octet(text[1]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f))
        return 0;
    return length;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
    std::string out(text.substr(0, ascii_prefix(text)));
    text.remove_prefix(out.size());
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0)
            out += replacement;
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::optional<std::string> to_utf8(std::string_view charset, std::string_view bytes) {
    charset = charset.substr(0, charset.find('*'));
    if (!is_name(charset)) return std::nullopt;
    if (equals_ignoring_case(charset, "utf-8") || equals_ignoring_case(charset, "us-ascii")) return valid_utf8(bytes);
    std::string name(charset);
    std::transform(name.begin(), name.end(), name.begin(), to_upper);
    Converter* converter = find_converter(name);
    if (!converter) return std::nullopt;
    return valid_utf8(converter->convert(bytes));
}

}  // namespace smtpscope::mime
