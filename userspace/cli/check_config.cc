// SPDX-License-Identifier: BSD-3-Clause
#include "cli/check_config.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "agent/service_unit.h"
#include "cli/options.h"
#include "config/places.h"

namespace smtpscope::cli {
namespace {

constexpr std::string_view check_config_usage =
    R"(usage: smtpscope check-config [OPTION]... [FILE]

Validates FILE, or else the file of -c, or else /etc/smtpscope/smtpscope.yaml, and looks whether its directories can be
used: by the service's user where the service is installed.

      --dump            print what is in effect: the defaults and what the file and --set change
)";

std::string checked(const std::string& file) {
    if (!file.empty()) return file;
    const std::string standard(config::default_path);
    return ::access(standard.c_str(), F_OK) == 0 ? standard : "the defaults (there is no " + standard + ")";
}

/// What the service will read and write; the configuration file itself only if the service reads that one.
std::vector<config::Place> places(const config::Config& config, const std::string& file) {
    std::vector<config::Place> all = config::places(config);
    const std::string standard(config::default_path);
    if ((file.empty() || file == standard) && ::access(standard.c_str(), F_OK) == 0)
        all.insert(all.begin(), {"the configuration", standard, files::Use::key, true});
    return all;
}

/// Whether the agent would start; every problem is printed.
bool all_usable(const std::vector<config::Place>& places, const config::Runner& runner, const std::string& file) {
    bool usable = true;
    for (const config::Place& place : places) {
        for (const files::Obstacle& obstacle : config::obstacles(place, runner)) {
            complain(file + ": " + (place.vital ? "" : "warning: ") + config::in_words(place, obstacle));
            usable = usable && !place.vital;
        }
    }
    return usable;
}

}  // namespace

int run_check_config(int argc, char** argv) {
    bool dump = false;
    auto arguments = parse(argc, argv, check_config_usage, Configurable::yes,
                           {{0, "dump", nullptr, [&dump](const std::string&) { dump = true; }}});
    if (!arguments) return exit_done;
    if (arguments->operands.size() > 1) throw UsageError("name one file at most.");
    if (!arguments->operands.empty()) {
        if (!arguments->config.empty()) throw UsageError("name the file once, with -c or without.");
        arguments->config = arguments->operands.front();
    }

    const config::Config config = arguments->load_config();
    const std::string file = checked(arguments->config);
    if (dump) print(config::dump(config));
    const config::Runner runner = agent::expected_runner();
    if (!all_usable(places(config, arguments->config), runner, file)) return exit_usage;
    if (dump) return exit_done;
    print(file + ": the configuration is valid.\n");
    if (!files::can_stand_in_for(runner.user))
        complain("whether user " + runner.user.user() + " can use its directories, only root can find out.");
    return exit_done;
}

}  // namespace smtpscope::cli
