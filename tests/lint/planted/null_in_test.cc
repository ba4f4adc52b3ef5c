// SPDX-License-Identifier: BSD-3-Clause
// A null pointer that only a search of the paths sees, in a test.
#include "../../unit/catch.h"

int* find(int wanted);

TEST_CASE("a number is found") {
    const int* const found = find(4);
    if (found == nullptr) INFO("none");
    CHECK(*found == 4);
}
