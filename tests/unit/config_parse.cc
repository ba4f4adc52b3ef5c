// SPDX-License-Identifier: BSD-3-Clause
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catch.h"
#include "config/config.h"

using namespace smtpscope;
using config::Config;

namespace {

Config parsed(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return config::parse(text, "x.yaml", overrides);
}

/// The message of the error; empty if there was none.
std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
        parsed(text, overrides);
    } catch (const config::Error& e) {
        return e.what();
    }
    return {};
}

std::string file_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("no file means the defaults", "[config]") {
    const std::string defaults = config::dump(Config{});
    for (const char* text : {"", "---\n", "# a comment\n", "capture:\nmime: {}\n"}) {
        INFO(text);
        CHECK(config::dump(parsed(text)) == defaults);
    }
}

TEST_CASE("every key reaches its member", "[config]") {
    const Config c = parsed(R"(
capture: { interfaces: [eth0, "veth*"], ports: [2525], xdp_mode: tc, checksums: ignore, ring_size: 1MiB }
analyzer:
  mail_path_capture: NO_HOSTS
  mail_transaction_validation: false
  max_invalid_mail_transactions: 1
  max_rcptto_addresses: 2
  max_to_addresses: 3
  max_cc_addresses: 4
  max_path_length: 5
  local_nets: [203.0.113.0/24, "2001:db8::/32"]
  detect_clients_in_messages_from: REMOTE_HOSTS
  webmail_user_agents: [SquirrelMail, "a, b"]
mime: { max_depth: 6, max_header_bytes: 7 }
files: { enabled: false, hashes: [md5, sha1], rfc822_messages: true }
log:
  level: debug
  sinks:
    - { type: journald, streams: [weird] }
    - { type: file, format: tsv, directory: /var/log/x, rotate: { size: 1MB, age: 2d, keep: 3, compress: true } }
    - { type: stdout, format: brief }
  policy: [{ stream: files, when: { filename: "*.exe" }, action: keep }]
  privacy: { preset: no-content, key_file: /etc/k }
limits: { flows: 8, memory: 9KiB, flow_memory: 10, fragment_memory: 20, waiting_memory: 21, line_length: 11,
          pending_commands: 12, idle_timeout: 13s, handshake_timeout: 14ms, gap_timeout: 15us }
control: { socket: /tmp/s }
)");
    CHECK(c.log.policy ==
          std::vector<log::Rule>{{"files", {{"filename", {{log::Operator::glob, {"*.exe"}}}}}, {}, log::Action::keep}});
    CHECK(c.log.privacy == log::Privacy{log::Preset::no_content, "/etc/k"});
    CHECK(c.capture.interfaces == std::vector<std::string>{"eth0", "veth*"});
    CHECK(c.capture.ports == std::vector<std::uint16_t>{2525});
    CHECK(c.capture.xdp_mode == capture::XdpMode::tc);
    CHECK(c.capture.checksums == capture::ChecksumMode::ignore);
    CHECK(c.capture.ring_size == 1 << 20);
    CHECK(c.analyzer.mail_path_capture == Host::none);
    CHECK(c.analyzer.mail_transaction_validation == false);
    CHECK(c.analyzer.max_invalid_mail_transactions == 1);
    CHECK(c.analyzer.max_rcptto_addresses == 2);
    CHECK(c.analyzer.max_to_addresses == 3);
    CHECK(c.analyzer.max_cc_addresses == 4);
    CHECK(c.analyzer.max_path_length == 5);
    CHECK(c.analyzer.local_nets.subnets().size() == 2);
    CHECK(c.analyzer.local_nets.contains(*Address::parse("203.0.113.7")));
    CHECK(c.analyzer.detect_clients_in_messages_from == Host::remote);
    CHECK(c.analyzer.webmail_user_agents == std::vector<std::string>{"SquirrelMail", "a, b"});
    CHECK(c.mime.max_depth == 6);
    CHECK(c.mime.max_header_bytes == 7);
    CHECK(c.files.enabled == false);
    CHECK(c.files.hashes == std::vector{HashAlgorithm::md5, HashAlgorithm::sha1});
    CHECK(c.files.rfc822_messages == true);
    CHECK(c.log.level == log::Level::debug);
    REQUIRE(c.log.sinks.size() == 3);
    log::SinkOptions journal, file, standard;
    journal.type = log::SinkType::journald;
    journal.streams = {"weird"};
    CHECK(c.log.sinks[0] == journal);
    file.type = log::SinkType::file;
    file.format = log::Format::tsv;
    file.directory = "/var/log/x";
    file.rotate = {1'000'000, std::chrono::hours(48), 3, true};
    CHECK(c.log.sinks[1] == file);
    standard.format = log::Format::brief;
    CHECK(c.log.sinks[2] == standard);
    CHECK(c.limits.flows == 8);
    CHECK(c.limits.memory == 9216);
    CHECK(c.limits.flow_memory == 10);
    CHECK(c.limits.fragment_memory == 20);
    CHECK(c.limits.waiting_memory == 21);
    CHECK(c.limits.line_length == 11);
    CHECK(c.limits.pending_commands == 12);
    CHECK(c.limits.idle_timeout == std::chrono::seconds(13));
    CHECK(c.limits.handshake_timeout == std::chrono::milliseconds(14));
    CHECK(c.limits.gap_timeout == std::chrono::microseconds(15));
    CHECK(c.control_socket == "/tmp/s");

    const std::string dumped = config::dump(c);
    CHECK(config::dump(parsed(dumped)) == dumped);
    CHECK(parsed(dumped).log == c.log);
    CHECK(parsed(dumped).capture == c.capture);
}

TEST_CASE("strings that look like other things survive dump and parse", "[config]") {
    Config c;
    c.analyzer.webmail_user_agents = {"true", "null", "~",    "1",  "a: b", "# c",  "[d",       "\"e\"",
                                      "'f'",  " g ",  "h\ni", "&j", "*k",   "- l",  "\xc3\xbc", "!m",
                                      "{n}",  "%o",   "@p",   "?",  "-",    "a\\b", "\t"};
    CHECK(parsed(config::dump(c)).analyzer.webmail_user_agents == c.analyzer.webmail_user_agents);
}

TEST_CASE("errors say where, which key and what is near", "[config]") {
    struct Row {
        const char* text;
        const char* error;
    };
    const Row rows[] = {
        {"capture:\n  interfacez: [eth0]\n",
         "x.yaml:2:3: there is no key capture.interfacez; the nearest is capture.interfaces."},
        {"mime: { max_dephts: 3 }\n", "x.yaml:1:9: there is no key mime.max_dephts; the nearest is mime.max_depth."},
        {"ports: [25]\n", "x.yaml:1:1: there is no key ports; the nearest is capture.ports."},
        {"captur: {}\n", "x.yaml:1:1: there is no key captur; the nearest is capture."},
        {"capture:\n  ports: 25\n", "x.yaml:2:10: capture.ports: \"25\" is not a list, such as [a, b]."},
        {"capture: { ports: [] }\n", "x.yaml:1:19: capture.ports: the list is empty; it needs a value."},
        {"capture: { ports: [25, 0] }\n", "x.yaml:1:24: capture.ports: \"0\" is not a number from 1 to 65535."},
        {"capture: { ports: [65536] }\n", "x.yaml:1:20: capture.ports: \"65536\" is not a number from 1 to 65535."},
        {"capture: { ports: [smtp] }\n", "x.yaml:1:20: capture.ports: \"smtp\" is not a number from 1 to 65535."},
        {"capture: { ports: ['25'] }\n",
         "x.yaml:1:20: capture.ports: \"25\" is not a number from 1 to 65535 (without quotes)."},
        {"capture: { ring_size: 1 }\n", "x.yaml:1:23: capture.ring_size: \"1\" is not between 64KiB and 1GiB."},
        {"capture: { ring_size: 2GiB }\n", "x.yaml:1:23: capture.ring_size: \"2GiB\" is not between 64KiB and 1GiB."},
        {"capture: { verdicts: 100 }\n",
         "x.yaml:1:22: capture.verdicts: \"100\" is not a number from 1024 to 4194304."},
        {"capture: { ring_size: big }\n",
         "x.yaml:1:23: capture.ring_size: \"big\" is not a size in bytes, such as 65536, 100MB or 16MiB."},
        {"capture: { xdp_mode: nativ }\n",
         "x.yaml:1:22: capture.xdp_mode: \"nativ\" is not one of auto, native, generic, tc; the nearest is native."},
        {"capture: { interfaces: ['a b'] }\n",
         "x.yaml:1:25: capture.interfaces: \"a b\" is not an interface's name or glob: it has no blanks and no "
         "slashes."},
        {"capture: 3\n", "x.yaml:1:10: capture is a section: it holds keys with values (\"key: value\")."},
        {"- 3\n", "x.yaml:1:1: the configuration is a section: it holds keys with values (\"key: value\")."},
        {"analyzer: { mail_transaction_validation: 1 }\n",
         "x.yaml:1:42: analyzer.mail_transaction_validation: \"1\" is not true or false."},
        {"analyzer: { max_to_addresses: -1 }\n",
         "x.yaml:1:31: analyzer.max_to_addresses: \"-1\" is not a number of 0 or more."},
        {"analyzer: { max_to_addresses: [1] }\n",
         "x.yaml:1:31: analyzer.max_to_addresses: a list is not a number of 0 or more."},
        {"analyzer: { mail_path_capture: local_host }\n",
         "x.yaml:1:32: analyzer.mail_path_capture: \"local_host\" is not one of LOCAL_HOSTS, REMOTE_HOSTS, ALL_HOSTS, "
         "NO_HOSTS; the nearest is LOCAL_HOSTS."},
        {"analyzer: { local_nets: [10.0.0.0/33] }\n",
         "x.yaml:1:26: analyzer.local_nets: \"10.0.0.0/33\" is not a network, such as 192.0.2.0/24 or 2001:db8::/32."},
        {"files: { hashes: [md6] }\n",
         "x.yaml:1:19: files.hashes: \"md6\" is not one of md5, sha1, sha256; the nearest is md5."},
        {"limits: { idle_timeout: 15 }\n",
         "x.yaml:1:25: limits.idle_timeout: \"15\" is not a duration with a unit, such as 500ms, 30s, 15m or 1d."},
        {"limits:\n  flows: 1\n  flows: 2\n", "x.yaml:3:3: limits.flows is given twice; keep one of them."},
        {"mime: {}\nmime: {}\n", "x.yaml:2:1: mime is given twice; keep one of them."},
        {"? [a]\n: 1\n", "x.yaml:1:3: the configuration: a key is a single word."},
        {"control: { socket: relative }\n",
         "x.yaml:1:20: control.socket: \"relative\" is not an absolute path: begin it with a slash."},
        {"mime: { max_depth: }\n", "x.yaml:1:20: mime.max_depth: nothing is not a number of 0 or more."},
        {"log: { sinks: [{ format: json }] }\n",
         "x.yaml:1:16: log.sinks: a sink needs a type: journald, file or stdout."},
        {"log: { sinks: [{ type: file }] }\n",
         "x.yaml:1:16: log.sinks: a file sink needs a directory, such as directory: /var/log/smtpscope."},
        {"log: { sinks: [{ type: journald, format: json }] }\n",
         "x.yaml:1:42: log.sinks: format is a key of file and stdout sinks only."},
        {"log: { sinks: [{ type: stdout, rotate: { size: 1 } }] }\n",
         "x.yaml:1:40: log.sinks: rotate is a key of file sinks only."},
        {"log: { sinks: [{ type: stdout, streams: [smpt] }] }\n",
         "x.yaml:1:42: log.sinks: streams: \"smpt\" is not one of smtp, weird, files, ssl, notice, software; the "
         "nearest is smtp."},
        {"log: { sinks: [{ type: stdout, format: tsv, streams: [smtp, weird] }] }\n",
         "x.yaml:1:54: log.sinks: stdout in TSV has room for one stream, for the header names its columns."},
        {"log: { sinks: [{ type: stdout }, { type: stdout, format: brief }] }\n",
         "x.yaml:1:34: log.sinks: this sink writes the same stream to the same place as one before it."},
        {"log: { sinks: [{ type: file, directory: /d, rotate: { kep: 1 } }] }\n",
         "x.yaml:1:55: log.sinks: there is no key rotate.kep; the nearest is rotate.keep."},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(error_of(row.text) == row.error);
    }
    // Which line of a second document is named depends on yaml-cpp.
    CHECK(error_of("mime: {}\n---\nmime: {}\n").ends_with(": a configuration is one document; remove the second."));
    CHECK(error_of("mime: [\n").find("x.yaml:2:1: this is not YAML: ") == 0);
    CHECK(error_of("mime: {}\n\tlog: {}\n").find("x.yaml:2:") == 0);
}

TEST_CASE("--set overrides the file, in order", "[config]") {
    const std::string file = "capture: { ports: [25] }\nmime: { max_depth: 1 }\n";
    const Config c = parsed(file, {"capture.ports=[26, 27]", "mime={max_header_bytes: 9}", "mime.max_depth=2",
                                   "mime.max_depth=3", "files.hashes=[md5,sha1,sha256]"});
    CHECK(c.capture.ports == std::vector<std::uint16_t>{26, 27});
    CHECK(c.mime.max_depth == 3);
    CHECK(c.mime.max_header_bytes == 9);
    CHECK(c.files.hashes == std::vector{HashAlgorithm::md5, HashAlgorithm::sha1, HashAlgorithm::sha256});

    struct Row {
        const char* override_;
        const char* error;
    };
    const Row rows[] = {
        {"mime.max_dept=3", "--set:1:1: there is no key mime.max_dept; the nearest is mime.max_depth."},
        {"mime.max_depth=x", "--set:1:16: mime.max_depth: \"x\" is not a number of 0 or more."},
        {"mime={max_depht: 1}", "--set:1:7: there is no key mime.max_depht; the nearest is mime.max_depth."},
        {"mime.max_depth", "--set:1:1: \"mime.max_depth\" is not KEY=VALUE, such as capture.ports=[25,587]."},
        {"=3", "--set:1:1: \"=3\" is not KEY=VALUE, such as capture.ports=[25,587]."},
    };
    for (const Row& row : rows) {
        INFO(row.override_);
        CHECK(error_of(file, {row.override_}) == row.error);
    }
}

TEST_CASE("a configuration that is named must be there", "[config]") {
    CHECK_THROWS_AS(config::load("/nonexistent/x.yaml", {}), config::Error);
    CHECK_THROWS_AS(config::load("/", {}), config::Error);
}

TEST_CASE("a configuration knows the file that it was read from", "[config]") {
    CHECK(parsed("mime: {}").origin.path.empty());
    const Config c = config::load("./configs/../configs/smtpscope.yaml", {});
    CHECK(c.origin.path == std::filesystem::current_path() / "configs/smtpscope.yaml");
    const auto modified = std::filesystem::last_write_time("configs/smtpscope.yaml");
    CHECK(c.origin.modified == std::chrono::file_clock::to_sys(modified));
}

TEST_CASE("the installed configuration is the defaults", "[config]") {
    const std::string text = file_text("configs/smtpscope.yaml");
    REQUIRE(!text.empty());
    CHECK(config::dump(parsed(text)) == config::dump(Config{}));

    // Its examples in comments have to be valid too.
    std::string examples;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line == "  sinks: []" || line == "  policy: []") continue;
        const std::size_t at = line.find("  # ");
        const bool example = at == 0 && line.find(':') != std::string::npos && line.find(". ") == line.npos;
        examples += (example ? "  " + line.substr(4) : line) + "\n";
    }
    const Config c = parsed(examples);
    CHECK(c.log.sinks.size() == 3);
    CHECK(c.log.policy.size() == 4);
    CHECK(c.analyzer.local_nets.subnets().size() == 1);
}

TEST_CASE("the engine gets what was configured", "[config]") {
    const EngineOptions o =
        parsed("capture: { ports: [26], checksums: ignore }\nlimits: { flows: 5 }\n").engine_options();
    CHECK(o.likely_server_ports == std::vector<std::uint16_t>{26});
    CHECK(o.validate_checksums == false);
    CHECK(o.limits.flows == 5);
}
