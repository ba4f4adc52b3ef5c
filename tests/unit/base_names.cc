// SPDX-License-Identifier: BSD-3-Clause
#include "base/names.h"

#include "catch.h"

using namespace smtpscope;

TEST_CASE("names of values, and values of names", "[base]") {
    enum class Colour { red, green, none };
    constexpr Name<Colour> names[] = {{"red", Colour::red}, {"green", Colour::green}, {"crimson", Colour::red}};
    CHECK(name_in(names, Colour::red) == "red");
    CHECK(name_in(names, Colour::green) == "green");
    CHECK(name_in(names, Colour::none).empty());
    CHECK(value_in(names, "crimson") == Colour::red);
    CHECK(value_in(names, "green") == Colour::green);
    CHECK_FALSE(value_in(names, "Green"));
    CHECK_FALSE(value_in(names, ""));
}
