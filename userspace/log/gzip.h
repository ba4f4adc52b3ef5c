// SPDX-License-Identifier: BSD-3-Clause
// Compression of a finished file.
#pragma once

#include <stop_token>
#include <string>

namespace smtpscope::log {

/// Replaces `path` by `path`.gz (RFC 1952). Empty if that was done or was stopped half-way, with `path` as it was in
/// the latter case; else what went wrong, with `path` as it was.
std::string gzip_file(const std::string& path, const std::stop_token& stop);

}  // namespace smtpscope::log
