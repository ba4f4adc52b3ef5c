// SPDX-License-Identifier: BSD-3-Clause
// The configuration file as one typed and validated value. yaml-cpp is behind this header and nowhere else.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "capture/source.h"
#include "files/extract.h"
#include "log/options.h"
#include "smtpscope/options.h"
#include "smtpscope/time.h"

namespace smtpscope::config {

/// what() is `FILE:LINE:COLUMN: message`, with the nearest valid key where one was mistyped.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The file that a configuration was read from.
struct Origin {
    std::string path;      ///< absolute; empty: there was no file, and these are the defaults
    Timestamp modified{};  ///< the file, as it was read
};

struct Config {
    Origin origin;
    capture::Options capture;
    AnalyzerOptions analyzer;
    MimeOptions mime;
    Limits limits;
    log::Options log;
    FileOptions files;
    files::ExtractOptions extract;
    NoticeOptions notices;
    SoftwareOptions software;
    std::string control_socket = "/run/smtpscope/control.sock";

    EngineOptions engine_options() const;
};

inline constexpr std::string_view default_path = "/etc/smtpscope/smtpscope.yaml";

/// `path`, or default_path if it is empty, as an absolute path.
std::string absolute_path(const std::string& path);

/// `path` empty: default_path if it exists, else the defaults. `overrides`: `key.path=value` as given to --set.
Config load(const std::string& path, const std::vector<std::string>& overrides);
/// From text; `name` stands for the file in errors.
Config parse(std::string_view text, const std::string& name, const std::vector<std::string>& overrides);
/// The effective configuration as YAML that parse() reads back to the same value.
std::string dump(const Config& config);

}  // namespace smtpscope::config
