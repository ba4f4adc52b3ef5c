// SPDX-License-Identifier: BSD-3-Clause
#include "cli/probe.h"

#include <cstdio>

#include "agent/service_unit.h"
#include "capture/probe.h"
#include "cli/running_agent.h"
#include "config/places.h"

namespace smtpscope::cli {

namespace {

constexpr std::string_view usage =
    R"(usage: smtpscope probe [-i IFACE]... [-c FILE] [--set KEY=VALUE]...

What this kernel and its interfaces allow, what `run` would do with them, whether the configuration's directories can be
used, and the remedy for each lack. Attaches nothing.
Exit status 1 if `run` would not start; an agent that runs already is no lack. Of a configuration file that is broken,
which is told of on stderr, the defaults are tried.

  -i, --interface IFACE   as capture.interfaces: a name, a glob or `auto`; may be repeated
)";

const char* mark(capture::Finding finding) {
    switch (finding) {
        case capture::Finding::good:
            return "ok";
        case capture::Finding::lesser:
            return "less";
        case capture::Finding::missing:
            return "MISSING";
    }
    return "";
}

/// Adds the problems of the places that the configuration names.
void look_at_places(const config::Config& config, capture::ProbeReport& report) {
    using capture::Finding;
    const config::Runner runner = agent::expected_runner();
    for (const config::Place& place : config::places(config)) {
        const auto obstacles = config::obstacles(place, runner);
        if (obstacles.empty() && place.use != files::Use::log)
            report.lines.push_back({Finding::good, place.key, place.path + " can be used", ""});
        for (const files::Obstacle& o : obstacles)
            report.lines.push_back(
                {place.vital ? Finding::missing : Finding::lesser, place.key, place.path + ": " + o.why, o.remedy});
        report.works = report.works && (obstacles.empty() || !place.vital);
    }
}

void print(const capture::ProbeReport& report) {
    for (const capture::ProbeLine& line : report.lines) {
        std::printf("%-8s %-14s %s\n", mark(line.finding), line.subject.c_str(), line.text.c_str());
        if (!line.remedy.empty()) std::printf("%-8s %-14s remedy: %s\n", "", "", line.remedy.c_str());
    }
    const char* const when = report.works && report.running ? " once the agent that runs has ended" : "";
    std::printf("`smtpscope run` would%s start%s.\n", report.works ? "" : " not", when);
}

}  // namespace

int run_probe(int argc, char** argv) {
    std::vector<std::string> interfaces;
    const std::vector<Option> options = {
        {'i', "interface", "IFACE", [&](const std::string& value) { interfaces.push_back(value); }}};
    const auto arguments = parse(argc, argv, usage, Configurable::yes, options);
    if (!arguments) return exit_done;
    expect_no_operands(*arguments);
    const Configuration configuration = load_if_possible(*arguments);
    if (!configuration.broken.empty()) tell_broken(configuration, find_agent(*arguments, configuration));
    config::Config config = configuration.config;
    if (!interfaces.empty()) config.capture.interfaces = interfaces;
    capture::ProbeReport report = capture::probe(config.capture);
    look_at_places(config, report);
    if (!configuration.broken.empty()) {
        report.lines.push_back({capture::Finding::missing, "configuration", configuration.broken, {}});
        report.works = false;
    }
    print(report);
    return report.works ? exit_done : exit_failed;
}

}  // namespace smtpscope::cli
