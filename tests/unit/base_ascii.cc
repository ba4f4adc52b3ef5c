// SPDX-License-Identifier: BSD-3-Clause
// Every byte, against the C library in its own locale.
#include "base/ascii.h"

#include <cctype>
#include <string>

#include "catch.h"

using namespace smtpscope;

TEST_CASE("digits, letters and case are those of ASCII", "[base]") {
    for (int byte = 0; byte < 256; ++byte) {
        INFO(byte);
        const char c = static_cast<char>(byte);
        CHECK(is_digit(c) == (std::isdigit(byte) != 0));
        CHECK(is_letter(c) == (std::isalpha(byte) != 0));
        CHECK(is_alphanumeric(c) == (std::isalnum(byte) != 0));
        CHECK(to_lower(c) == static_cast<char>(std::tolower(byte)));
        CHECK(to_upper(c) == static_cast<char>(std::toupper(byte)));
        CHECK((hex_value(c) >= 0) == (std::isxdigit(byte) != 0));
        if (hex_value(c) >= 0) CHECK(hex_value(c) == std::stoi(std::string(1, c), nullptr, 16));
    }
}

TEST_CASE("texts without regard to case", "[base]") {
    const struct {
        const char *text, *part;
        bool equal, starts;
        std::size_t found;
    } rows[] = {
        {"", "", true, true, 0},
        {"a", "", false, true, 0},
        {"", "a", false, false, std::string::npos},
        {"Content-Type", "content-TYPE", true, true, 0},
        {"Content-Type: x", "content-type", false, true, 0},
        {"x Content-Type", "content-type", false, false, 2},
        {"aab", "AB", false, false, 1},
        {"ab", "abc", false, false, std::string::npos},
        {"[", "{", false, false, std::string::npos},
        {"@", "`", false, false, std::string::npos},
        {"\xc4", "\xe4", false, false, std::string::npos},
    };
    for (const auto& row : rows) {
        INFO(row.text << " and " << row.part);
        CHECK(equals_ignoring_case(row.text, row.part) == row.equal);
        CHECK(starts_with_ignoring_case(row.text, row.part) == row.starts);
        CHECK(find_ignoring_case(row.text, row.part) == row.found);
    }
    CHECK(find_ignoring_case("ab AB", "ab", 1) == 3);
}
