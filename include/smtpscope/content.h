// SPDX-License-Identifier: BSD-3-Clause
// Where the content of files goes, besides their records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtpscope {

struct FileInfo;

/// What happened to a file's content.
struct ContentResult {
    std::string name;        ///< of the file that was written; empty if none was
    std::uint64_t size = 0;  ///< bytes written
    bool cut_off = false;    ///< a limit, or an error, came before its end
};

/// Takes the content of files while it arrives. Must not block.
class ContentSink {
  public:
    using Handle = std::uint64_t;
    static constexpr Handle none = 0;

    virtual ~ContentSink() = default;
    /// A file begins; `rec` has what is known so far. `none`: this file is not wanted.
    virtual Handle begin(const FileInfo& rec) = 0;
    virtual void write(Handle file, std::string_view bytes) = 0;
    /// Its content is over. It must not become visible before it is kept.
    virtual ContentResult end(Handle file) = 0;
    /// Keep the file, which has ended.
    virtual void keep(Handle file) = 0;
    /// Discard the file, whether it has ended or not.
    virtual void discard(Handle file) = 0;
};

}  // namespace smtpscope
