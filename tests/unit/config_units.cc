// SPDX-License-Identifier: BSD-3-Clause
#include "catch.h"
#include "config/units.h"

using namespace smtpscope;
using namespace smtpscope::config;
using namespace std::chrono_literals;

TEST_CASE("sizes are numbers with units of 1000 or 1024", "[config]") {
    struct Row {
        const char* text;
        std::optional<std::uint64_t> bytes;
    };
    const Row rows[] = {
        {"0", 0},
        {"65536", 65536},
        {"1B", 1},
        {"1kB", 1000},
        {"1KB", 1000},
        {"1KiB", 1024},
        {"1kib", 1024},
        {"100MB", 100'000'000},
        {"16MiB", 16'777'216},
        {"2GB", 2'000'000'000},
        {"1GiB", 1'073'741'824},
        {"1TiB", 1'099'511'627'776},
        {"18446744073709551615", 18446744073709551615U},
        {"18446744073709551616", std::nullopt},
        {"16777216TiB", std::nullopt},
        {"", std::nullopt},
        {"MiB", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {"1.5MiB", std::nullopt},
        {"16 MiB", std::nullopt},
        {"16M", std::nullopt},
        {"16XB", std::nullopt},
        {"0x10", std::nullopt},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(parse_size(row.text) == row.bytes);
    }
}

TEST_CASE("a size is written in the largest unit that divides it", "[config]") {
    CHECK(format_size(0) == "0");
    CHECK(format_size(1000) == "1000");
    CHECK(format_size(1024) == "1KiB");
    CHECK(format_size(1536) == "1536");
    CHECK(format_size(16'777'216) == "16MiB");
    CHECK(format_size(1'099'511'627'776) == "1TiB");
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{1} << 20, ~std::uint64_t{0}})
        CHECK(parse_size(format_size(n)) == n);
}

TEST_CASE("durations have units, alone or in a row", "[config]") {
    struct Row {
        const char* text;
        std::optional<Duration> duration;
    };
    const Row rows[] = {
        {"0", Duration{}},        {"500ms", 500ms},      {"30s", 30s},
        {"15m", 15min},           {"1h30m", 90min},      {"1d", 24h},
        {"2w", 14 * 24h},         {"7us", 7us},          {"9ns", 9ns},
        {"15", std::nullopt},     {"", std::nullopt},    {"m", std::nullopt},
        {"1.5h", std::nullopt},   {"-1s", std::nullopt}, {"1 s", std::nullopt},
        {"1x", std::nullopt},     {"1s2", std::nullopt}, {"99999999999d", std::nullopt},
        {"15251w", std::nullopt},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(parse_duration(row.text) == row.duration);
    }
}

TEST_CASE("a duration is written in the largest unit that divides it", "[config]") {
    CHECK(format_duration(Duration{}) == "0");
    CHECK(format_duration(500ms) == "500ms");
    CHECK(format_duration(90min) == "90m");
    CHECK(format_duration(24h) == "1d");
    CHECK(format_duration(1h + 1ns) == "3600000000001ns");
}
