// SPDX-License-Identifier: BSD-3-Clause
// Records as lines, for programs that use the library.
#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>

#include "catch.h"
#include "smtpscope/record_writer.h"
#include "smtpscope/version.h"
#include "support_records.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

/// One record of each stream, by its name.
std::map<std::string, std::string> lines(RecordWriter::Format format) {
    std::map<std::string, std::string> all;
    RecordWriter writer(format,
                        [&](std::string_view stream, std::string_view line) { all[std::string(stream)] = line; });
    writer.smtp(record(1));
    writer.weird({});
    writer.file({});
    writer.ssl({});
    writer.notice({});
    writer.software({});
    return all;
}

}  // namespace

TEST_CASE("a writer makes a line of every stream's records", "[format]") {
    const auto json = lines(RecordWriter::Format::json), tsv = lines(RecordWriter::Format::tsv);
    CHECK(json.size() == record_streams().size());
    for (const std::string_view stream : record_streams()) {
        INFO(stream);
        const std::string name(stream);
        CHECK(json.at(name).starts_with("{\"ts\":"));
        CHECK(json.at(name).ends_with("}\n"));
        const std::string header = tsv_header(stream, {}), &line = tsv.at(name);
        const std::string types = header.substr(header.find("#types"));
        CHECK(std::count(line.begin(), line.end(), '\t') + 1 == std::count(types.begin(), types.end(), '\t'));
        CHECK(line.ends_with("\n"));
    }
    CHECK(json.at("smtp").find("\"uid\":\"C1\"") != std::string::npos);
    CHECK(tsv_footer({}).starts_with("#close\t"));
}

TEST_CASE("the header of a stream that does not exist", "[format]") {
    CHECK_THROWS_AS(tsv_header("mail", {}), std::invalid_argument);
}

TEST_CASE("the version for people and that for the preprocessor are one", "[format]") {
    int major = 0, minor = 0, patch = 0;
    REQUIRE(std::sscanf(SMTPSCOPE_VERSION, "%d.%d.%d", &major, &minor, &patch) == 3);
    CHECK(10000 * major + 100 * minor + patch == SMTPSCOPE_VERSION_NUMBER);
}
