// SPDX-License-Identifier: BSD-3-Clause
#include "files/type.h"

#include <magic.h>

#include <algorithm>
#include <memory>

namespace smtpscope::files {

namespace {

constexpr std::size_t least_text = 10;  // characters that the reference wants to see before it calls something a text

std::string_view without_byte_order_mark(std::string_view content) {
    constexpr std::string_view utf8 = "\xef\xbb\xbf";
    if (content.starts_with(utf8)) content.remove_prefix(utf8.size());
    return content;
}

bool is_text(char c) {
    return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

bool begins_as_text(std::string_view content) {
    content = without_byte_order_mark(content);
    return content.size() >= least_text && std::all_of(content.begin(), content.begin() + least_text, is_text);
}

/// Where the two use different names for the same, the reference's counts; empty: it has none.
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
    /// Empty if it has none.
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
    content = without_byte_order_mark(content);
    content.remove_prefix(std::min(content.find_first_not_of(" \t\r\n"), content.size()));
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
    if (is_plain_text(content)) return "text/plain";
    if (const std::string_view type = by_signature(content); !type.empty()) return std::string(type);
    const std::string_view type = reference_name(database().look_up(content));
    // A few characters are no text yet.
    if (type.empty() || (type == "text/plain" && content.size() < least_text)) return std::nullopt;
    return std::string(type);
}

std::string type_database_error() {
    return database().error();
}

}  // namespace smtpscope::files
