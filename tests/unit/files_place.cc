// SPDX-License-Identifier: BSD-3-Clause
// What keeps a user from a place. Only root can act with another user's rights.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"
#include "files/place.h"
#include "support_folder.h"

using namespace smtpscope::files;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t nobody = 65534;
const Identity other{nobody, nobody, {}};

/// Everybody may pass through it.
struct Folder : smtpscope::test::Folder {
    Folder() { ::chmod(path.c_str(), 0755); }
    std::string make(const std::string& name, mode_t mode, std::uint32_t uid = 0, std::uint32_t gid = 0) const {
        std::string all = path + "/" + name;
        fs::create_directories(all);
        ::chmod(all.c_str(), mode);
        if (::geteuid() == 0) REQUIRE(::chown(all.c_str(), uid, gid) == 0);
        return all;
    }
    std::string write(const std::string& name, mode_t mode) const {
        std::ofstream(path + "/" + name) << "x";
        ::chmod((path + "/" + name).c_str(), mode);
        return path + "/" + name;
    }
};

/// `WHY; REMEDY`, or `-`.
std::string said(const std::string& path, Use use, const Identity& who = own_identity()) {
    const auto found = obstacle(path, use, who);
    return found ? found->why + "; " + found->remedy : "-";
}

bool begins(const std::string& text, const std::string& with) {
    INFO(text);
    const bool does = text.starts_with(with);
    CHECK(does);
    return does;
}

}  // namespace

TEST_CASE("places: this user's own", "[files]") {
    const Folder folder;
    const std::string there = folder.make("there", 0700, ::geteuid(), ::getegid());
    const std::string file = folder.write("file", 0600);
    for (const Use use : {Use::logs, Use::extraction, Use::socket}) {
        CHECK(said(there, use) == "-");
        CHECK(said(file, use) == "Not a directory; name a directory");
        CHECK(said(file + "/below", use) == "Not a directory; name another place");
        begins(said(folder.path + "/no/such", use), "No such file or directory; create it with `install -d -o ");
    }
    begins(said(folder.path + "/missing", Use::logs), "No such file or directory; create it with `install -d -o ");
    CHECK(said(folder.path + "/missing", Use::extraction) == "-");
    CHECK(said(folder.path + "/missing", Use::socket) == "-");
    begins(said(folder.make("open", 0777), Use::extraction), "everybody may write there; ");
    CHECK(said(there + "/smtp.log", Use::log) == "-");
    CHECK(said(folder.make("smtp.log", 0755), Use::log) == "Is a directory; move it away");
    CHECK(said(file, Use::key) == "-");
    CHECK(said(folder.path + "/missing", Use::key) == "No such file or directory; make it, or name another");
}

TEST_CASE("places: a name that a shell would take apart is quoted", "[files]") {
    const Folder folder;
    const std::string text = said(folder.path + "/it's here", Use::logs);
    INFO(text);
    CHECK(text.find(" '" + folder.path + "/it'\\''s here'`") != std::string::npos);
}

TEST_CASE("places: another user's rights", "[files]") {
    if (::geteuid() != 0) return;
    const Folder folder;
    const std::string user = other.user(), owner = user + ":" + other.group();
    const std::string of_root = folder.make("root", 0755), own = folder.make("own", 0750, nobody, nobody);
    const std::string of_group = folder.make("group", 0770, 0, nobody), of_third = folder.make("third", 0770, 0, 7);
    const std::string closed = folder.make("closed", 0700), below = folder.make("closed/below", 0700, nobody, nobody);
    for (const Use use : {Use::logs, Use::extraction, Use::socket}) {
        CHECK(said(of_root, use) == "-");
        CHECK(said(of_root, use, other) == "user " + user +
                                               " may not write there (root:root, mode 0755); give it to that user with "
                                               "`chown " +
                                               owner + " " + of_root + "`, or name another directory");
        CHECK(said(own, use, other) == "-");
        CHECK(said(of_group, use, other) == "-");
        CHECK(said(of_third, use, other) != "-");
        CHECK(said(of_third, use, {nobody, nobody, {7}}) == "-");
        begins(said(below, use, other),
               "user " + user + " may not pass through " + closed + " (root:root, mode 0700); let it pass");
    }
    CHECK(said(of_root + "/missing", Use::socket) == "-");
    for (const Use use : {Use::extraction, Use::socket})
        begins(said(of_root + "/missing", use, other),
               "No such file or directory; create it with `install -d -o " + user + " -g " + other.group() + " -m ");
    CHECK(said(own + "/missing", Use::extraction, other) == "-");
    // What became of this thread's rights must not be seen.
    CHECK(said(closed, Use::logs) == "-");
}

TEST_CASE("places: files that another user is to write or read", "[files]") {
    if (::geteuid() != 0) return;
    const Folder folder;
    const std::string own = folder.make("own", 0750, nobody, nobody);
    const std::string log = folder.write("own/smtp.log", 0640), key = folder.write("key", 0600);
    begins(said(log, Use::log, other), "user " + other.user() + " may not write it (root:root, mode 0640); give it to");
    CHECK(said(log, Use::log) == "-");
    CHECK(said(folder.write("smtp.log", 0640), Use::log, other) == "-");  // of its directory there is more to say
    CHECK(said(key, Use::key, other) == "user " + other.user() + " may not read it (root:root, mode 0600); `chgrp " +
                                            other.group() + " " + key + "; chmod 0640 " + key + "`");
    CHECK(said(folder.write("readable", 0644), Use::key, other) == "-");
}
