// SPDX-License-Identifier: BSD-3-Clause
#include "cli/options.h"

#include <getopt.h>

#include <charconv>
#include <cstdio>

namespace smtpscope::cli {
namespace {

constexpr std::string_view config_help =
    "  -c, --config FILE     read FILE instead of /etc/smtpscope/smtpscope.yaml\n"
    "      --set KEY=VALUE   override a key of the configuration, as in --set capture.ports=[25,2525]\n";
constexpr std::string_view help_help = "  -h, --help            print this text\n";

std::vector<Option> with_shared(const std::vector<Option>& own, Configurable configurable, Arguments& into,
                                bool& help) {
    std::vector<Option> all = own;
    all.push_back({'h', "help", nullptr, [&help](const std::string&) { help = true; }});
    if (configurable == Configurable::yes) {
        all.push_back({'c', "config", "FILE", [&into](const std::string& v) { into.config = v; }});
        all.push_back({0, "set", "KEY=VALUE", [&into](const std::string& v) { into.overrides.push_back(v); }});
    }
    return all;
}

/// The two forms in which getopt_long wants the options: the index into `all` is the value of the long ones.
struct Spelled {
    std::string letters{":"};  // the colon: getopt distinguishes a missing argument from an unknown option
    std::vector<option> names;

    explicit Spelled(const std::vector<Option>& all) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            const int takes = all[i].argument ? required_argument : no_argument;
            names.push_back({all[i].name, takes, nullptr, long_value(i)});
            if (all[i].letter == 0) continue;
            letters += all[i].letter;
            if (all[i].argument) letters += ':';
        }
        names.push_back({});
    }

    // Above every letter, so that the two forms cannot be mixed up.
    static int long_value(std::size_t index) { return 256 + static_cast<int>(index); }
};

const Option* find(const std::vector<Option>& all, int value) {
    for (std::size_t i = 0; i < all.size(); ++i)
        if (value == Spelled::long_value(i) || (all[i].letter != 0 && value == all[i].letter)) return &all[i];
    return nullptr;
}

/// The long options that begin as `given` does.
std::string candidates(const std::vector<Option>& all, std::string_view given) {
    std::string names;
    if (!given.starts_with("--")) return names;
    given = given.substr(2, given.find('=') - 2);
    for (const Option& option : all)
        if (std::string_view(option.name).starts_with(given))
            names.append(names.empty() ? "--" : ", --").append(option.name);
    return names;
}

[[noreturn]] void refuse(int result, const std::vector<Option>& all, char** argv) {
    const bool is_long = optopt == 0 || optopt >= Spelled::long_value(0);
    const std::string given = is_long ? argv[optind - 1] : std::string("-") + static_cast<char>(optopt);
    const Option* known = find(all, optopt);
    if (result == ':') {
        const std::string what = known && known->argument ? known->argument : "argument";
        throw UsageError("option " + given + " needs an argument: " + what + ".");
    }
    // getopt_long sets optopt for a known long option only when it was given an argument that it does not take.
    if (known && is_long) throw UsageError("option --" + std::string(known->name) + " takes no argument.");
    const std::string meant = is_long ? candidates(all, given) : std::string();
    if (!meant.empty())
        throw UsageError("option " + given.substr(0, given.find('=')) + " is ambiguous: " + meant + ".");
    throw UsageError("there is no option " + given + ".");
}

}  // namespace

std::optional<Arguments> parse(int argc, char** argv, std::string_view usage, Configurable configurable,
                               const std::vector<Option>& options) {
    Arguments arguments;
    bool help = false;
    const std::vector<Option> all = with_shared(options, configurable, arguments, help);
    const Spelled spelled(all);

    optind = 0;  // glibc: start afresh
    opterr = 0;
    for (int c = 0; (c = getopt_long(argc, argv, spelled.letters.c_str(), spelled.names.data(), nullptr)) != -1;) {
        if (c == '?' || c == ':') refuse(c, all, argv);
        find(all, c)->set(optarg ? optarg : "");
        if (!help) continue;
        std::fwrite(usage.data(), 1, usage.size(), stdout);
        if (configurable == Configurable::yes) std::fwrite(config_help.data(), 1, config_help.size(), stdout);
        std::fwrite(help_help.data(), 1, help_help.size(), stdout);
        return std::nullopt;
    }
    arguments.operands.assign(argv + optind, argv + argc);
    return arguments;
}

void expect_no_operands(const Arguments& arguments) {
    if (arguments.operands.empty()) return;
    throw UsageError("\"" + arguments.operands.front() +
                     "\" is not expected here; this subcommand takes options only.");
}

std::uint64_t number(std::string_view option, const std::string& value, std::uint64_t least, std::uint64_t most) {
    std::uint64_t result = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, result);
    if (error == std::errc() && stop == end && result >= least && result <= most) return result;
    throw UsageError(std::string(option) + " takes a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most) + ", not \"" + value + "\".");
}

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw std::runtime_error("standard output cannot be written to");
}

void complain(std::string_view text) {
    std::string line = "smtpscope: ";
    line.append(text).append("\n");
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace smtpscope::cli
