// SPDX-License-Identifier: BSD-3-Clause
// The command line of a subcommand: what all of them share, over getopt_long.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace smtpscope::cli {

/// The exit status of every subcommand.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;  ///< it failed while running
inline constexpr int exit_usage = 2;   ///< the command line or the configuration is wrong

/// The command line is wrong. main() prints what() with a pointer to --help and exits with exit_usage.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// One option of a subcommand.
struct Option {
    char letter;           ///< of the short form; 0 if there is none
    const char* name;      ///< of the long form, without the dashes
    const char* argument;  ///< what the argument is, for messages; nullptr if it takes none
    std::function<void(const std::string& value)> set;  ///< called at each occurrence; may throw UsageError
};

/// Whether a subcommand takes -c FILE and --set KEY=VALUE.
enum class Configurable { no, yes };

struct Arguments {
    std::string config;                  ///< of -c; empty: the default file, if it is there
    std::vector<std::string> overrides;  ///< of --set, in their order
    std::vector<std::string> operands;

    /// The configuration that they ask for. Throws config::Error.
    config::Config load_config() const { return config::load(config, overrides); }
};

/// Parses argv[1] and on; argv[0] is the subcommand's name. nullopt: --help was asked for and `usage` was printed,
/// followed by the shared options. Throws UsageError.
std::optional<Arguments> parse(int argc, char** argv, std::string_view usage, Configurable configurable,
                               const std::vector<Option>& options = {});

/// Throws UsageError if there are operands: for subcommands that take none.
void expect_no_operands(const Arguments& arguments);

/// The value of `option`. Throws UsageError if it is not a whole number from `least` to `most`.
std::uint64_t number(std::string_view option, const std::string& value, std::uint64_t least, std::uint64_t most);

/// Writes to standard output, without delay. Throws std::runtime_error if that cannot be written to.
void print(std::string_view text);

/// `smtpscope: TEXT` on stderr, in one write.
void complain(std::string_view text);

}  // namespace smtpscope::cli
