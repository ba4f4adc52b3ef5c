// SPDX-License-Identifier: BSD-3-Clause
#include "tls/record_finder.h"

#include <string>

#include "catch.h"

using smtpscope::tls::RecordFinder;

namespace {

std::string record(unsigned char type, std::size_t length, char version = 3) {
    std::string r{static_cast<char>(type), '\x03', version, static_cast<char>(length >> 8), static_cast<char>(length)};
    return r + std::string(length, '\xa5');
}

bool is_tls(const std::string& stream, std::size_t step) {
    RecordFinder finder;
    for (std::size_t i = 0; i < stream.size(); i += step)
        if (finder.data(std::string_view(stream).substr(i, step))) return true;
    return false;
}

}  // namespace

TEST_CASE("a stream met in the middle is TLS if records follow each other", "[tls]") {
    const std::string header{"\x17\x03\x03\x00\x01", 5};
    const struct {
        const char* name;
        std::string stream;
        bool tls;
    } rows[] = {
        {"two records", record(23, 40) + record(23, 40), true},
        {"the second one's header is enough", record(23, 40) + header, true},
        {"one record and nothing more", record(23, 40), false},
        {"from the middle of a record on", std::string(300, '\xa5') + record(23, 700) + record(21, 2), true},
        {"large records", record(23, 16384 + 256) + record(23, 16384 + 256), true},
        {"TLS 1.0", record(23, 40, 1) + record(23, 40, 1), true},
        {"a false header before the true ones", std::string("\x17\x03\x17\x03") + record(23, 9) + record(23, 9), true},
        {"records that do not touch", record(23, 40) + "x" + record(23, 40) + "y", false},
        {"a length of 0", std::string("\x17\x03\x03\x00\x00", 5) + record(23, 4), false},
        {"longer than a record can be", std::string("\x17\x03\x03\xff\xff", 5) + std::string(65535, 'a') + header,
         false},
        {"no such version", record(23, 40, 5) + record(23, 40, 5), false},
        {"commands", "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", false},
    };
    for (const auto& row : rows)
        for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{100000}}) {
            INFO(row.name << ", " << step << " bytes at a time");
            CHECK(is_tls(row.stream, step) == row.tls);
        }
}
