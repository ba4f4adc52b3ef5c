// SPDX-License-Identifier: BSD-3-Clause
// The places that a configuration names, and what a unit makes of them.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "config/places.h"
#include "support_folder.h"

using namespace smtpscope;
using namespace smtpscope::config;
using Access = Confinement::Access;
namespace fs = std::filesystem;

namespace {

Runner in_unit(std::vector<Confinement::Rule> rules, std::vector<std::string> made = {}) {
    Runner runner;
    runner.unit = {"smtpscope.service", std::move(made), std::move(rules)};
    return runner;
}

/// All that is said of a place; `-` if it can be used.
std::string said(const std::string& path, files::Use use, const Runner& runner) {
    std::string text;
    for (const files::Obstacle& o : obstacles({"key", path, use, true}, runner)) text += o.why + "; " + o.remedy + ". ";
    return text.empty() ? "-" : text;
}

}  // namespace

TEST_CASE("places: what a configuration names", "[config]") {
    const Config config = parse(R"(
files: { extract: { enabled: true, directory: /x/out } }
log:
  sinks:
    - { type: journald }
    - { type: file, directory: /x/logs, streams: [smtp, weird] }
  privacy: { key_file: /x/key }
control: { socket: /x/run/s }
)",
                                "x.yaml", {});
    std::string all;
    for (const Place& place : places(config))
        all += place.key + " " + place.path + (place.vital ? "\n" : " (not vital)\n");
    CHECK(all ==
          "files.extract.directory /x/out\n"
          "log.sinks /x/logs\n"
          "log.sinks /x/logs/smtp.log\n"
          "log.sinks /x/logs/weird.log\n"
          "log.privacy.key_file /x/key\n"
          "control.socket /x/run (not vital)\n");
    CHECK(places(Config{}).size() == 1);
}

TEST_CASE("places: two sinks cannot have one directory, whatever it is called", "[config]") {
    const test::Folder folder;
    fs::create_directories(folder / "logs/smtp");
    fs::create_directory_symlink(folder / "logs", folder / "link");
    const auto parse_with = [&](const std::string& other, const std::string& streams) {
        return parse("log: { sinks: [{ type: file, directory: " + folder / "logs" +
                         " }, { type: file, directory: " + other + ", streams: [" + streams + "] }] }",
                     "x.yaml", {});
    };
    for (const char* same : {"link", "link/", "logs/", "logs/smtp/..", "link/./smtp/.."}) {
        CAPTURE(same);
        CHECK_THROWS_WITH(parse_with(folder / same, "smtp"),
                          "x.yaml:1:" + std::to_string(45 + (folder / "logs").size()) +
                              ": log.sinks: this sink writes the same stream to the same place as one before it.");
    }
    CHECK_NOTHROW(parse_with(folder / "link/smtp", "smtp"));
    CHECK_NOTHROW(parse_with(folder / "other", "smtp"));
}

TEST_CASE("places: all that cannot be used is named, but for what is not vital", "[config]") {
    Config config;
    config.control_socket = "/no/such/s";
    CHECK_NOTHROW(expect_usable(config));
    config.extract.enabled = true;
    config.extract.directory = "/no/such/out";
    config.log.sinks.resize(1);
    config.log.sinks[0].type = log::SinkType::file;
    config.log.sinks[0].directory = "/no/such/logs";
    const std::string user = files::own_identity().user(), group = files::own_identity().group();
    CHECK_THROWS_WITH(
        expect_usable(config),
        "files.extract.directory: /no/such/out: No such file or directory; create it with `install -d -o " + user +
            " -g " + group + " -m 0700 /no/such/out`, or name another. " +
            "log.sinks: /no/such/logs: No such file or directory; create it with `install -d -o " + user + " -g " +
            group + " -m 0750 /no/such/logs`, or name another.");
}

TEST_CASE("places: what a unit makes read-only", "[config]") {
    const test::Folder folder("/var/tmp");
    const Runner strict = in_unit({{"/", Access::read_only, "ProtectSystem=strict"}});
    const std::string edit = "`systemctl edit smtpscope`, there the lines [Service] and ReadWritePaths=" + folder.path;
    CHECK(said(folder.path, files::Use::logs, strict) ==
          "smtpscope.service makes it read-only (ProtectSystem=strict); " + edit +
              ", then `systemctl restart smtpscope`. ");
    CHECK(said(folder.path, files::Use::key, strict) == "-");
    CHECK(said(folder.path + "/smtp.log", files::Use::log, strict) == "-");
    // systemd would not start the unit for a path that is not there.
    const std::string missing = said(folder.path + "/new", files::Use::extraction, strict);
    INFO(missing);
    CHECK(missing.find("; `install -d -o ") != std::string::npos);
    CHECK(missing.find("`, then " + edit + "/new, then") != std::string::npos);

    const auto with = [&](const std::string& path, Access access) {
        return said(folder.path, files::Use::logs,
                    in_unit({{path, access, "that"}, {"/", Access::read_only, "ProtectSystem=strict"}}));
    };
    CHECK(with(folder.path, Access::writable) == "-");
    CHECK(with("/var", Access::writable) == "-");
    CHECK(with(folder.path.substr(0, folder.path.size() - 1), Access::writable) != "-");  // a name that begins alike
    CHECK(with("/var/tmp", Access::hidden) == "smtpscope.service hides what is there (that); name another place. ");
    fs::create_directory_symlink(folder.path, folder.path + "/link");
    CHECK(said(folder.path + "/link", files::Use::logs,
               in_unit({{"/", Access::read_only, "x"}, {folder.path, Access::writable, ""}})) == "-");
    CHECK(with(folder.path + "/link", Access::writable) == "-");
    CHECK(said(folder.path, files::Use::logs,
               in_unit({{folder.path, Access::writable, ""}, {"/var", Access::hidden, "h"}})) ==
          "smtpscope.service hides what is there (h); name another place. ");
}

TEST_CASE("places: what systemd makes before the start need not be there", "[config]") {
    const std::string logs = "/var/log/no-such-service";
    const Runner runner =
        in_unit({{"/", Access::read_only, "ProtectSystem=strict"}, {logs, Access::writable, ""}}, {logs});
    CHECK(said(logs, files::Use::logs, runner) == "-");
    CHECK(said(logs + "/", files::Use::logs, runner) == "-");
    CHECK(said(logs + "/extracted", files::Use::extraction, runner) == "-");
    CHECK(said(logs + "/deeper", files::Use::logs, runner).starts_with("No such file or directory; create it with"));
}
