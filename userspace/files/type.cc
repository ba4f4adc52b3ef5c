// SPDX-License-Identifier: BSD-3-Clause
#include "files/type.h"

#include <magic.h>

#include <algorithm>
#include <memory>

#include "base/ascii.h"

namespace smtpscope::files {

namespace {

constexpr std::size_t least_text = 10;  // characters that the reference needs before it calls something a text

std::string_view without_byte_order_mark(std::string_view content) {
    constexpr std::string_view utf8 = "\xef\xbb\xbf";
    if (content.starts_with(utf8)) content.remove_prefix(utf8.size());
    return content;
}

bool is_text(char c) {
    return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

/// Bytes of the character in UTF-8 that the text begins with, if it is not ASCII; 0 if there is none.
std::size_t beyond_ascii(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
    return length;
}

/// Whether the first characters are text, in ASCII as the reference requires, or in UTF-8.
bool begins_as_text(std::string_view content) {
    content = without_byte_order_mark(content);
    if (content.size() < least_text) return false;
    for (std::size_t i = 0; i < least_text;) {
        const std::size_t length = is_text(content[i]) ? 1 : beyond_ascii(content.substr(i));
        if (length == 0) return false;
        i += length;
    }
    return true;
}

std::string_view skip_space(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text;
}

/// Markup by its first tag, as the reference does it: a document is HTML, a fragment is text. Empty: something else.
std::string_view by_first_tag(std::string_view content) {
    constexpr std::string_view documents[] = {"<!doctype html", "<html", "<head",
                                              "<title",         "<body", "<meta http-equiv"};
    constexpr std::string_view others[] = {"<?",   "<!",   "<svg", "<rss",  "<feed", "<soap",
                                           "<rdf", "<kml", "<gpx", "<smil", "<xsl",  "<asx"};
    const auto begins = [&](std::string_view tag) { return starts_with_ignoring_case(content, tag); };
    if (std::any_of(std::begin(documents), std::end(documents), begins)) return "text/html";
    if (!content.starts_with('<') || std::any_of(std::begin(others), std::end(others), begins)) return {};
    return "text/plain";
}

/// The reference's name where it differs from the database's; empty: it has none.
std::string_view reference_name(std::string_view type) {
    struct Names {
        std::string_view magic, reference;
    };
    static constexpr Names names[] = {
        {"application/octet-stream", ""},
        {"application/x-empty", ""},
        {"inode/x-empty", ""},
        {"application/gzip", "application/x-gzip"},
        {"application/vnd.microsoft.portable-executable", "application/x-dosexec"},
        {"application/x-ole-storage", "application/msword"},
        {"application/vnd.ms-office", "application/msword"},
        {"application/CDFV2", "application/msword"},
        {"application/x-rar", "application/x-rar-compressed"},
        {"application/json", "text/json"},
        {"text/xml", "application/xml"},
        {"image/x-ms-bmp", "image/bmp"},
        {"image/vnd.microsoft.icon", "image/x-icon"},
        {"image/vnd.adobe.photoshop", "image/x-adobe-photoshop"},
        {"application/x-pie-executable", "application/x-executable"},
    };
    for (const Names& n : names)
        if (n.magic == type) return n.reference;
    constexpr std::string_view office = "application/vnd.openxmlformats-officedocument";
    return type.starts_with(office) ? office : type;
}

/// The reference's signatures where they are shorter than the database's; empty: none of them.
std::string_view by_signature(std::string_view content) {
    using namespace std::string_view_literals;
    if (content.starts_with("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv)) return "application/msword";
    if (content.starts_with("MZ"sv)) return "application/x-dosexec";
    if (content.starts_with("%PDF-"sv)) return "application/pdf";
    if (content.starts_with("\x89PNG\r\n\x1a\n"sv)) return "image/png";
    if (content.starts_with("\xff\xd8\xff"sv)) return "image/jpeg";
    if (content.starts_with("GIF87a"sv) || content.starts_with("GIF89a"sv)) return "image/gif";
    if (content.starts_with("\x1f\x8b"sv)) return "application/x-gzip";
    if (content.starts_with("PK\3\4"sv)) {
        constexpr std::size_t name_at = 30;  // of the archive's first file
        const std::string_view name = content.substr(std::min(name_at, content.size()));
        const bool office = name.starts_with("[Content_Types].xml") || name.starts_with("_rels/.rels");
        return office ? "application/vnd.openxmlformats-officedocument" : "application/zip";
    }
    return {};
}

class Database {
  public:
    Database() : cookie_(magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF)) {
        if (cookie_ && magic_load(cookie_.get(), nullptr) == 0) return;
        const char* why = cookie_ ? magic_error(cookie_.get()) : nullptr;
        error_ = "the types of files are not told: " + std::string(why ? why : "libmagic cannot be used") +
                 "; install its database (libmagic-mgc).";
        cookie_.reset();
    }
    const std::string& error() const { return error_; }
    /// The type by the database; empty if it has none.
    std::string_view look_up(std::string_view content) {
        const char* answer = cookie_ ? magic_buffer(cookie_.get(), content.data(), content.size()) : nullptr;
        return answer ? answer : "";
    }

  private:
    struct Close {
        void operator()(magic_t cookie) const { magic_close(cookie); }
    };
    std::unique_ptr<magic_set, Close> cookie_;
    std::string error_;
};

Database& database() {
    thread_local Database of_thread;
    return of_thread;
}

}  // namespace

bool is_plain_text(std::string_view content) {
    if (!begins_as_text(content)) return false;
    content = skip_space(without_byte_order_mark(content));
    // Markup, scripts, configuration, PostScript and PDF, PEM and patches.
    if (content.empty()) return true;
    if (std::string_view("<{[#%-*@;/\\!?").find(content[0]) != content.npos) return false;
    constexpr std::string_view words[] = {"BEGIN:V", "diff ",    "Index: ",  "GIF8",
                                          "import ", "package ", "function", "var "};
    return std::none_of(std::begin(words), std::end(words), [&](auto word) { return content.starts_with(word); });
}

std::optional<std::string> detect_type(std::string_view content) {
    content = content.substr(0, type_beginning);
    if (content.empty()) return std::nullopt;
    // The database takes a hundred microseconds and more: most mail is plain text, which is recognized without it.
    if (is_plain_text(content)) return "text/plain";
    if (content.size() < least_text && std::all_of(content.begin(), content.end(), is_text)) return std::nullopt;
    if (begins_as_text(content))
        if (const auto type = by_first_tag(skip_space(without_byte_order_mark(content))); !type.empty())
            return std::string(type);
    if (const std::string_view type = by_signature(content); !type.empty()) return std::string(type);
    const std::string_view type = reference_name(database().look_up(content));
    // A few characters are not enough for a text.
    if (type.empty() || (type == "text/plain" && content.size() < least_text)) return std::nullopt;
    return std::string(type);
}

std::string type_database_error() {
    return database().error();
}

}  // namespace smtpscope::files
