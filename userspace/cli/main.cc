// SPDX-License-Identifier: BSD-3-Clause
// smtpscope SUBCOMMAND ...: finds the subcommand, and turns what it throws into a message and an exit status.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "cli/check_config.h"
#include "cli/detach.h"
#include "cli/flows.h"
#include "cli/options.h"
#include "cli/probe.h"
#include "cli/read.h"
#include "cli/reload.h"
#include "cli/run.h"
#include "cli/status.h"
#include "cli/top.h"
#include "cli/usage.h"
#include "smtpscope/version.h"

namespace {

using namespace smtpscope::cli;

struct Subcommand {
    std::string_view name;
    int (*run)(int argc, char** argv);  ///< argv[0] is the subcommand's name
};

constexpr Subcommand subcommands[] = {
    {"run", run_run},     {"read", run_read},     {"check-config", run_check_config},
    {"probe", run_probe}, {"status", run_status}, {"flows", run_flows},
    {"top", run_top},     {"reload", run_reload}, {"detach", run_detach},
};

int run(const Subcommand& subcommand, int argc, char** argv) {
    try {
        return subcommand.run(argc, argv);
    } catch (const UsageError& e) {
        complain(e.what());
        complain("try 'smtpscope " + std::string(subcommand.name) + " --help'.");
        return exit_usage;
    } catch (const smtpscope::config::Error& e) {
        complain(e.what());
        return exit_usage;
    } catch (const std::exception& e) {
        complain(e.what());
        return exit_failed;
    }
}

int unknown(const std::string& word) {
    complain(word.empty() ? "a subcommand is missing." : "there is no subcommand " + word + ".");
    complain("try 'smtpscope --help'.");
    return exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string word = argc > 1 ? argv[1] : "";
    if (word == "--version") {
        std::puts("smtpscope " SMTPSCOPE_VERSION);
        return exit_done;
    }
    if (word == "--help" || word == "-h") {
        std::fwrite(usage.data(), 1, usage.size(), stdout);
        return exit_done;
    }
    for (const Subcommand& s : subcommands)
        if (s.name == word) return run(s, argc - 1, argv + 1);
    return unknown(word);
}
