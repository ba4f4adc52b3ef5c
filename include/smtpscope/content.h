// SPDX-License-Identifier: BSD-3-Clause
// Where the content of files goes, beside their records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtpscope {

struct FileInfo;

/// What became of a file's content.
struct ContentResult {
    std::string name;        ///< of the file that was written; empty if none was
    std::uint64_t size = 0;  ///< bytes written
    bool cut_off = false;    ///< a limit, or an error, came before its end
};

/// Takes the content of files while they go by. Must not block.
class ContentSink {
  public:
    using Handle = std::uint64_t;
    static constexpr Handle none = 0;

    virtual ~ContentSink() = default;
    /// What the record says at its beginning. `none`: this file is not wanted.
    virtual Handle begin(const FileInfo& rec) = 0;
    virtual void write(Handle file, std::string_view bytes) = 0;
    /// Its content is over, and nobody may see it before it is decided whether to keep or to discard it.
    virtual ContentResult end(Handle file) = 0;
    /// The file, which has ended, is to be kept.
    virtual void keep(Handle file) = 0;
    /// The file, ended or not, is not to be kept.
    virtual void discard(Handle file) = 0;
};

}  // namespace smtpscope
