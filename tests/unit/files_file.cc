// SPDX-License-Identifier: BSD-3-Clause
// Files: hashes, types, and what their records count.
#include <string>
#include <vector>

#include "catch.h"
#include "files/file.h"

using namespace smtpscope;
using namespace smtpscope::files;
using namespace std::string_literals;

namespace {

/// Remembers what it gets.
class Memory final : public ContentSink {
  public:
    Handle begin(const FileInfo& rec) override {
        log += "+" + rec.fuid;
        return 1;
    }
    void write(Handle, std::string_view bytes) override { log += "[" + std::string(bytes) + "]"; }
    ContentResult end(Handle) override {
        log += ".";
        return {"name", 7, true};
    }
    void keep(Handle) override { log += "k"; }
    void discard(Handle) override { log += "x"; }
    std::string log;
};

FileInfo info(std::int64_t ts = 0) {
    FileInfo rec;
    rec.ts = from_nanoseconds(ts);
    rec.fuid = "F1";
    return rec;
}

FileInfo file(const std::vector<HashAlgorithm>& hashes, const std::vector<std::string>& pieces) {
    FileOptions options;
    options.hashes = hashes;
    Context context{&options, nullptr};
    File f(context, info());
    for (const std::string& piece : pieces) f.data(piece, from_nanoseconds(5));
    return f.finish();
}

}  // namespace

TEST_CASE("hashes of files, as many as are asked for", "[files]") {
    using enum HashAlgorithm;
    const FileInfo all = file({md5, sha1, sha256}, {"a", "", "bc"});
    CHECK(all.md5 == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(all.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(all.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(all.seen_bytes == 3);
    CHECK(all.duration == Duration(5));
    const FileInfo none = file({}, {"abc"});
    CHECK_FALSE(none.md5);
    CHECK_FALSE(none.sha256);
    CHECK(file({sha256}, {}).sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    // Contexts are used again.
    for (int i = 0; i < 100; ++i) CHECK(file({md5}, {"abc"}).md5 == all.md5);
}

TEST_CASE("a file with lost bytes has no hash", "[files]") {
    FileOptions options;
    Context context{&options, nullptr};
    File f(context, info(10));
    f.data("abcdefghijkl", from_nanoseconds(20));
    f.gap(100, from_nanoseconds(30));
    f.gap(1, from_nanoseconds(31));
    f.data("efg", from_nanoseconds(50));
    const FileInfo rec = f.finish();
    CHECK(rec.seen_bytes == 15);
    CHECK(rec.missing_bytes == 101);
    CHECK(rec.duration == Duration(40));
    CHECK_FALSE(rec.sha256);
    CHECK(rec.mime_type == "text/plain");  // by what came before
}

TEST_CASE("types of files by their content", "[files]") {
    const struct {
        std::string content;
        const char* type;  // nullptr: none
    } rows[] = {
        {"", nullptr},
        {"short", nullptr},
        {"plain text, nothing else\r\n", "text/plain"},
        {"\xef\xbb\xbfplain text with a mark\r\n", "text/plain"},
        {"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "application/pdf"},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\2\0\0\0"s, "image/png"},
        {"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"s, "image/jpeg"},
        {"GIF89a\1\0\1\0\x80\0\0"s, "image/gif"},
        {"\x1f\x8b\x08\0\0\0\0\0\0\3"s, "application/x-gzip"},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"s + std::string(600, '\0'), "application/msword"},
        {"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0"s, "application/x-dosexec"},
        {"PK\3\4\x14\0\0\0\x08\0"s + std::string(16, '\1') + "\5\0\0\0a.txt"s, "application/zip"},
        {"PK\3\4\x14\0\6\0\x08\0"s + std::string(16, '\1') + "\x13\0\0\0[Content_Types].xml"s,
         "application/vnd.openxmlformats-officedocument"},
        {"a\xc3\xbc\xc3\xb6\xe2\x82\xac text beyond ASCII\r\n", "text/plain"},
        {"a b\r\n", nullptr},
        {"  <HTML lang=en>\n<body>x</body></html>\n", "text/html"},
        {"<table width=600><tr><td>x</td></tr></table>\n", "text/plain"},
        {"<?xml version=\"1.0\"?>\n<a/>\n", "application/xml"},
        {"<!DOCTYPE html>\n<html><body>x</body></html>\n", "text/html"},
        {"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "text/calendar"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", nullptr},
    };
    for (const auto& r : rows) {
        INFO(r.content.substr(0, 20));
        const auto type = detect_type(r.content);
        CHECK(type.value_or("-") == (r.type ? r.type : "-"));
    }
    CHECK(type_database_error().empty());
}

TEST_CASE("what is extracted is said", "[files]") {
    FileOptions options;
    Memory memory;
    Context context{&options, &memory};
    {
        File f(context, info());
        f.data("ab", from_nanoseconds(1));
        f.data("c", from_nanoseconds(1));
        const FileInfo rec = f.finish();
        CHECK(rec.extracted == "name");
        CHECK(rec.extracted_size == 7);
        CHECK(rec.extracted_cutoff == true);
        CHECK(f.take_content() == 1);
    }
    { File dropped(context, info()); }
    {
        File left(context, info());
        left.finish();
    }
    CHECK(memory.log == "+F1[ab][c].+F1x+F1.x");
}
