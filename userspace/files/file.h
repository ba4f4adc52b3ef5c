// SPDX-License-Identifier: BSD-3-Clause
// One file: the body of an entity, or a whole message, from its first byte to its record.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "files/hash.h"
#include "files/type.h"
#include "smtpscope/content.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::files {

/// What the files of one engine share.
struct Context {
    const FileOptions* options;
    ContentSink* content;  ///< where bodies are extracted to; nullptr: they are not
};

class File {
  public:
    /// `info` has what is known at the beginning; a type that is set there is kept.
    File(Context& context, FileInfo info);
    ~File();
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    const std::string& fuid() const { return info_.fuid; }
    void data(std::string_view bytes, Timestamp now);
    void gap(std::uint64_t length, Timestamp now);
    /// Ends the file and returns its record.
    FileInfo finish();
    /// The extracted content, for the caller to keep or to discard; if it is not taken, it is discarded.
    ContentSink::Handle take_content() { return std::exchange(extraction_, ContentSink::none); }

  private:
    void detect();

    Context* context_;
    FileInfo info_;
    std::string beginning_;  ///< collected until the type is detected
    Hasher hasher_;
    bool typed_ = false;
    ContentSink::Handle extraction_ = ContentSink::none;
};

}  // namespace smtpscope::files
