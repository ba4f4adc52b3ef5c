// SPDX-License-Identifier: BSD-3-Clause
#include "cli/check_config.h"

#include <unistd.h>

#include <cstdio>

#include "cli/options.h"

namespace smtpscope::cli {
namespace {

constexpr std::string_view check_config_usage =
    R"(usage: smtpscope check-config [OPTION]... [FILE]

Validates FILE, or else the file of -c, or else /etc/smtpscope/smtpscope.yaml.

      --dump            print what is in effect: the defaults and what the file and --set change
)";

std::string checked(const std::string& file) {
    if (!file.empty()) return file;
    const std::string standard(config::default_path);
    return ::access(standard.c_str(), F_OK) == 0 ? standard : "the defaults (there is no " + standard + ")";
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
    const std::string text =
        dump ? config::dump(config) : checked(arguments->config) + ": the configuration is valid.\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    return exit_done;
}

}  // namespace smtpscope::cli
