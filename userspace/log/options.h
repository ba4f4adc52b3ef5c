// SPDX-License-Identifier: BSD-3-Clause
// `log:` in the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "log/rules.h"
#include "smtpscope/time.h"

namespace smtpscope::log {

enum class SinkType { journald, file, stdout_ };
enum class Format { json, tsv, brief };
enum class Level { trace, debug, info, warning, error };
inline constexpr Name<Format> format_names[] = {{"json", Format::json}, {"tsv", Format::tsv}, {"brief", Format::brief}};
inline constexpr Name<Level> level_names[] = {{"trace", Level::trace},
                                              {"debug", Level::debug},
                                              {"info", Level::info},
                                              {"warning", Level::warning},
                                              {"error", Level::error}};

/// When a file sink begins a new file, and how many old ones it keeps. 0 switches each of them off (keep: all are
/// kept).
struct Rotation {
    std::uint64_t size = 0;  ///< bytes
    Duration age{};
    unsigned keep = 14;
    bool compress = false;
    bool operator==(const Rotation&) const = default;
};

/// Where journald listens.
inline constexpr std::string_view default_journal_socket = "/run/systemd/journal/socket";

struct SinkOptions {
    SinkType type = SinkType::stdout_;
    Format format = Format::json;
    std::string directory;             ///< of a file sink: one STREAM.log in it for each stream
    std::vector<std::string> streams;  ///< which streams; empty: all (stdout: smtp alone)
    Rotation rotate;
    std::string socket = std::string(default_journal_socket);  ///< of journald
    bool replace = false;  ///< a file sink: files that an earlier run left under the streams' names are removed first
    bool operator==(const SinkOptions&) const = default;
};

struct Options {
    Level level = Level::info;
    std::vector<SinkOptions> sinks;  ///< empty: journald under systemd, JSON on stdout otherwise
    std::vector<Rule> policy;        ///< in their order
    Privacy privacy;
    bool operator==(const Options&) const = default;
};

/// Whether a sink writes the stream: those that it names, else all; standard output only smtp.
bool takes(const SinkOptions& sink, std::string_view stream);

}  // namespace smtpscope::log
