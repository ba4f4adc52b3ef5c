// SPDX-License-Identifier: BSD-3-Clause
// Sizes and times as people read them.
#include "base/words.h"

#include "catch.h"

using namespace smtpscope;
using namespace std::chrono_literals;

TEST_CASE("words: sizes are in powers of 1024, with one decimal", "[base]") {
    struct Row {
        std::uint64_t bytes;
        const char* words;
    };
    constexpr std::uint64_t kib = 1 << 10, mib = kib << 10, eib = std::uint64_t{1} << 60;
    const Row rows[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1023, "1023 B"},
        {kib, "1.0 KiB"},
        {kib + 51, "1.0 KiB"},
        {kib + 52, "1.1 KiB"},
        {38 * kib, "38.0 KiB"},
        {1'000'000, "976.6 KiB"},
        {999 * kib + 972, "999.9 KiB"},
        {999 * kib + 973, "1.0 MiB"},  // 999.95 KiB would take five digits
        {mib - 1, "1.0 MiB"},
        {16 * mib, "16.0 MiB"},
        {7'000'000'000, "6.5 GiB"},
        {mib << 20, "1.0 TiB"},
        {eib - 1, "1.0 EiB"},
        {~std::uint64_t{0}, "16.0 EiB"},
    };
    for (const Row& r : rows) {
        CAPTURE(r.bytes);
        CHECK(size_in_words(r.bytes) == r.words);
        CHECK(size_in_words(r.bytes).size() <= 9);
    }
}

TEST_CASE("words: times are in the largest unit of which there are two", "[base]") {
    CHECK(time_in_words(-5s) == "0 s");
    CHECK(time_in_words(119s) == "119 s");
    CHECK(time_in_words(120s) == "2 min");
    CHECK(time_in_words(119min) == "119 min");
    CHECK(time_in_words(2h) == "2 h");
    CHECK(time_in_words(47h) == "47 h");
    CHECK(time_in_words(48h) == "2 d");
}
