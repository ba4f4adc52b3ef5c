// SPDX-License-Identifier: BSD-3-Clause
// What an earlier process kept: by name, in the hands of one owner at a time.
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "capture/inheritance.h"
#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::capture;

namespace {

int some_descriptor() {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("names of kept things are what the service manager takes", "[inheritance]") {
    const std::string name = kept_name("link-4294967295-xdp_generic");
    CHECK(name.starts_with("smtpscope-"));
    CHECK(name.ends_with("-link-4294967295-xdp_generic"));
    CHECK(name.size() <= 64);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == name.npos);
    CHECK(kept_name("a") != kept_name("b"));
}

TEST_CASE("what was kept is taken once, and the rest is closed", "[inheritance]") {
    const int taken = some_descriptor(), left = some_descriptor();
    {
        Inheritance inherited({{kept_name("taken"), taken}, {kept_name("left"), left}});
        CHECK_FALSE(inherited.empty());
        CHECK_FALSE(inherited.was_of_another_version());
        CHECK(inherited.has("taken"));
        CHECK(inherited.fd("taken") == taken);
        CHECK_FALSE(inherited.has("other"));
        CHECK(inherited.fd("other") == -1);
        CHECK_FALSE(inherited.take("other"));
        {
            const Descriptor mine = inherited.take("taken");
            CHECK(mine.get() == taken);
            CHECK_FALSE(inherited.has("taken"));
            CHECK_FALSE(inherited.take("taken"));
            CHECK(is_open(taken));
        }
        CHECK_FALSE(is_open(taken));
        CHECK(is_open(left));
    }
    CHECK_FALSE(is_open(left));
}

TEST_CASE("an inheritance that moves takes its descriptors along", "[inheritance]") {
    const int fd = some_descriptor();
    Inheritance first({{kept_name("map"), fd}});
    Inheritance second = std::move(first);
    CHECK(second.fd("map") == fd);
    second = {};
    CHECK(second.empty());
    CHECK_FALSE(is_open(fd));
}

TEST_CASE("of two descriptors under one name the later is kept", "[inheritance]") {
    const int earlier = some_descriptor(), later = some_descriptor();
    const Inheritance inherited({{kept_name("map"), earlier}, {kept_name("map"), later}});
    CHECK(inherited.fd("map") == later);
    CHECK_FALSE(is_open(earlier));
}

TEST_CASE("what is of another version or of others is let go", "[inheritance]") {
    const int old = some_descriptor(), foreign = some_descriptor(), alike = some_descriptor();
    const Inheritance inherited(
        {{"smtpscope-0-map-flows", old}, {"somebody-else", foreign}, {kept_name("").substr(1), alike}});
    CHECK(inherited.empty());
    CHECK(inherited.was_of_another_version());
    for (const int fd : {old, foreign, alike}) CHECK_FALSE(is_open(fd));
    const int alone = some_descriptor();
    CHECK_FALSE(Inheritance({{"somebody-else", alone}}).was_of_another_version());
}
