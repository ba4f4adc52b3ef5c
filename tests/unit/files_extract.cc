// SPDX-License-Identifier: BSD-3-Clause
// Files on the disk: names, modes, limits and what goes wrong.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "files/extract.h"
#include "files/place.h"
#include "smtpscope/records.h"
#include "support_folder.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::files;
using smtpscope::test::Folder;
namespace fs = std::filesystem;

namespace {

ExtractOptions options(const Folder& folder) {
    ExtractOptions o;
    o.enabled = true;
    o.directory = folder.path + "/out";
    o.min_free = 0;
    return o;
}

FileInfo part(const std::string& fuid) {
    FileInfo rec;
    rec.fuid = fuid;
    return rec;
}

FileInfo message(const std::string& fuid) {
    FileInfo rec = part(fuid);
    rec.mime_type = "message/rfc822";
    return rec;
}

/// All of it in one call; the result's name is empty if it was refused.
ContentResult put(Extractor& e, const FileInfo& rec, const std::string& content) {
    const auto file = e.begin(rec);
    if (file == ContentSink::none) return {};
    e.write(file, content);
    ContentResult result = e.end(file);
    e.keep(file);
    return result;
}

std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t count(const std::string& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("files are written whole, for their owner alone", "[files]") {
    const Folder folder;
    const ExtractOptions o = options(folder);
    const std::string large(300000, 'x');
    {
        Extractor e(o, Extractor::WhenFull::wait);
        const auto a = e.begin(part("Fa")), b = e.begin(part("Fb")), gone = e.begin(part("Fgone"));
        e.write(a, "one ");
        e.write(b, large);
        e.write(gone, "x");
        e.write(a, "two");
        const ContentResult done = e.end(a);
        CHECK(done.name == "Fa");
        CHECK(done.size == 7);
        CHECK_FALSE(done.cut_off);
        e.keep(a);
        e.end(b);
        e.keep(b);
        e.discard(gone);
        CHECK(put(e, message("Fm"), "whole").name.empty());  // parts alone are wanted
        CHECK(e.begin(part("Fopen")) != ContentSink::none);  // and never ended
    }
    CHECK(read(o.directory + "/Fa") == "one two");
    CHECK(read(o.directory + "/Fb") == large);
    CHECK(count(o.directory) == 2);
    struct stat s {};
    REQUIRE(::stat((o.directory + "/Fa").c_str(), &s) == 0);
    CHECK((s.st_mode & 07777) == 0600);
    REQUIRE(::stat(o.directory.c_str(), &s) == 0);
    CHECK((s.st_mode & 07777) == 0700);
}

TEST_CASE("parts, messages, or both", "[files]") {
    const struct {
        ExtractWhat what;
        bool parts, messages;
    } rows[] = {
        {ExtractWhat::parts, true, false}, {ExtractWhat::messages, false, true}, {ExtractWhat::all, true, true}};
    for (const auto& r : rows) {
        const Folder folder;
        ExtractOptions o = options(folder);
        o.what = r.what;
        Extractor e(o, Extractor::WhenFull::wait);
        FileInfo attached = message("F3");  // a message that is a part of another one
        attached.parent_fuid = "F2";
        CHECK(put(e, part("F1"), "x").name.empty() != r.parts);
        CHECK(put(e, message("F2"), "x").name.empty() != r.messages);
        CHECK(put(e, attached, "x").name.empty() != r.parts);
    }
}

TEST_CASE("every limit on extracted files", "[files]") {
    const Folder folder;
    ExtractOptions o = options(folder);
    SECTION("of one file") {
        o.max_bytes = 5;
        Extractor e(o, Extractor::WhenFull::wait);
        const ContentResult cut = put(e, part("F1"), "0123456789"), fits = put(e, part("F2"), "01234");
        CHECK(cut.size == 5);
        CHECK(cut.cut_off);
        CHECK(fits.size == 5);
        CHECK_FALSE(fits.cut_off);
        CHECK(test::eventually([&] { return e.stats().cut_off == 1; }));
    }
    SECTION("of their number, old ones included") {
        fs::create_directory(o.directory);
        std::ofstream(o.directory + "/old") << "old";
        std::ofstream(o.directory + "/Fcrashed1.part") << "old";
        o.max_files = 2;
        Extractor e(o, Extractor::WhenFull::wait);
        CHECK_FALSE(fs::exists(o.directory + "/Fcrashed1.part"));
        CHECK(put(e, part("F1"), "x").name == "F1");
        CHECK(put(e, part("F2"), "x").name.empty());
        CHECK(e.stats().limit_files == 1);
    }
    SECTION("of all bytes") {
        o.max_total = 8;
        Extractor e(o, Extractor::WhenFull::wait);
        CHECK(put(e, part("F1"), "01234").size == 5);
        const ContentResult cut = put(e, part("F2"), "01234");
        CHECK(cut.size == 3);
        CHECK(cut.cut_off);
        CHECK(put(e, part("F3"), "01234").name.empty());
        CHECK(e.stats().limit_total == 1);
    }
    SECTION("of room on the disk") {
        o.min_free = ~std::uint64_t{0};
        Extractor e(o, Extractor::WhenFull::wait);
        CHECK(put(e, part("F1"), "x").name.empty());
        CHECK(e.stats().no_room == 1);
    }
}

TEST_CASE("where a limit was reached, files that were taken away make room again", "[files]") {
    const Folder folder;
    ExtractOptions o = options(folder);
    o.max_files = 2;
    o.max_total = 1000;
    Extractor e(o, Extractor::WhenFull::wait, 1 << 20, std::chrono::milliseconds(10));
    const std::string size(600, 'x');
    SECTION("their number") {
        REQUIRE(put(e, part("F1"), "x").name == "F1");
        REQUIRE(put(e, part("F2"), "x").name == "F2");
        REQUIRE(put(e, part("F3"), "x").name.empty());
        REQUIRE(test::eventually([&] { return fs::remove(o.directory + "/F1"); }));
        CHECK(test::eventually([&] { return put(e, part("F4"), "x").name == "F4"; }));
        CHECK(put(e, part("F5"), "x").name.empty());
    }
    SECTION("their bytes") {
        REQUIRE(put(e, part("F1"), size).name == "F1");
        REQUIRE(put(e, part("F2"), size).cut_off);
        REQUIRE(put(e, part("F3"), size).name.empty());
        REQUIRE(test::eventually([&] { return fs::remove(o.directory + "/F1"); }));
        CHECK(test::eventually([&] { return put(e, part("F4"), size).size == 600; }));
    }
}

TEST_CASE("what waits for the disk is bounded, files without a byte included", "[files]") {
    const Folder folder;
    ExtractOptions o = options(folder);
    o.max_files = 0;
    Extractor e(o, Extractor::WhenFull::cut_off, 1);
    std::size_t begun = 0, tried = 0;
    for (; tried < 10000 && begun == tried; ++tried) begun += e.begin(part("F" + std::to_string(tried))) != 0;
    CHECK(begun < tried);
    CHECK(e.stats().queue_full == 1);
    CHECK(test::eventually([&] { return e.begin(part("Flater")) != ContentSink::none; }));
}

TEST_CASE("a file that waits to be kept has no name of its own yet", "[files]") {
    const Folder folder;
    const ExtractOptions o = options(folder);
    {
        Extractor e(o, Extractor::WhenFull::wait);
        const auto kept = e.begin(part("Fkept")), dropped = e.begin(part("Fdropped")), left = e.begin(part("Fleft"));
        for (const auto file : {kept, dropped, left}) {
            e.write(file, "x");
            CHECK(e.end(file).size == 1);
        }
        CHECK(put(e, part("Fnext"), "y").name == "Fnext");
        while (e.stats().written == 0) usleep(1000);  // and so all that was ordered before
        CHECK(fs::exists(o.directory + "/Fkept.part"));
        CHECK_FALSE(fs::exists(o.directory + "/Fkept"));
        e.keep(kept);
        e.discard(dropped);
        while (e.stats().discarded == 0) usleep(1000);
        CHECK(read(o.directory + "/Fkept") == "x");
        CHECK(count(o.directory) == 3);
    }
    CHECK(count(o.directory) == 2);  // nobody kept the last one
}

TEST_CASE("what an earlier run left unfinished goes, and nothing else", "[files]") {
    const Folder folder;
    const ExtractOptions o = options(folder);
    fs::create_directory(o.directory);
    const char* const foreign[] = {"notes.part", "Fn-1.part", "F1.parts", "F1"};
    for (const char* name : foreign) std::ofstream(o.directory + "/" + name) << "old";
    fs::create_symlink("nowhere", o.directory + "/Flink.part");
    std::ofstream(o.directory + "/F2.part") << "old";
    Extractor e(o, Extractor::WhenFull::wait);
    for (const char* name : foreign) CHECK(fs::exists(o.directory + "/" + name));
    CHECK(fs::is_symlink(o.directory + "/Flink.part"));
    CHECK_FALSE(fs::exists(o.directory + "/F2.part"));
    // Nor what another process is writing.
    const auto file = e.begin(part("F3"));
    e.write(file, "x");
    while (!fs::exists(o.directory + "/F3.part")) usleep(1000);
    const Extractor other(o, Extractor::WhenFull::wait);
    CHECK(fs::exists(o.directory + "/F3.part"));
}

TEST_CASE("many callers extract at once", "[files]") {
    const Folder folder;
    const ExtractOptions o = options(folder);
    constexpr std::size_t callers = 4, each = 300;
    {
        Extractor e(o, Extractor::WhenFull::wait);
        std::vector<std::thread> threads;
        threads.reserve(callers);
        for (std::size_t i = 0; i < callers; ++i)
            threads.emplace_back([&e, i] {
                for (std::size_t n = 0; n < each; ++n) put(e, part("F" + std::to_string(i * each + n)), "content");
            });
        for (std::thread& t : threads) t.join();
    }
    CHECK(count(o.directory) == callers * each);
}

TEST_CASE("extraction that fails is counted, and leaves nothing", "[files]") {
    const Folder folder;
    ExtractOptions o = options(folder);
    o.max_total = 8000;
    auto e = std::make_unique<Extractor>(o, Extractor::WhenFull::wait);
    fs::create_symlink(folder.path + "/elsewhere", o.directory + "/F1.part");
    put(*e, part("F1"), "x");
    REQUIRE(test::eventually([&] { return e->stats().failed == 1; }));
    CHECK(e->stats().last_error == o.directory + "/F1.part: open: File exists");
    CHECK_FALSE(fs::exists(folder.path + "/elsewhere"));
    fs::remove(o.directory + "/F1.part");

    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 1000;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    put(*e, part("F2"), std::string(5000, 'x'));
    CHECK(test::eventually([&] { return e->stats().failed == 2; }));
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(e->stats().last_error == o.directory + "/F2.part: write: File too large");

    put(*e, part("F3"), std::string(8000, 'x'));  // what failed takes no room
    CHECK(test::eventually([&] { return e->stats().written == 1; }));
    e.reset();
    CHECK(count(o.directory) == 1);
}

TEST_CASE("a directory that cannot be used is an error", "[files]") {
    const Folder folder;
    ExtractOptions o = options(folder);
    o.directory = folder.path + "/no/such";
    CHECK_THROWS_WITH(Extractor(o, Extractor::WhenFull::wait),
                      "files.extract.directory " + o.directory + ": No such file or directory; create it with `" +
                          command_to_make(o.directory, Use::extraction, own_identity()) + "`, or name another.");
    o.directory = folder.path + "/open";
    fs::create_directory(o.directory);
    fs::permissions(o.directory, fs::perms::all);
    CHECK_THROWS_WITH(Extractor(o, Extractor::WhenFull::wait),
                      "files.extract.directory " + o.directory +
                          ": everybody may write there; take that right away, or name another directory.");
    o.directory = folder.path + "/file";
    std::ofstream(o.directory) << "x";
    CHECK_THROWS_WITH(Extractor(o, Extractor::WhenFull::wait),
                      "files.extract.directory " + o.directory + ": Not a directory; name a directory.");
}
