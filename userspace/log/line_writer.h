// SPDX-License-Identifier: BSD-3-Clause
// Where the lines of one stream end up.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "format/schema.h"
#include "log/options.h"
#include "log/patience.h"
#include "log/tally.h"

namespace smtpscope::log {

class LineWriter {
  public:
    virtual ~LineWriter() = default;
    /// `lines` are whole lines, one a record. Never throws: records that cannot be written are counted.
    virtual void write(std::string_view lines) = 0;
    virtual void reopen() {}
    /// Whether somebody is watching, so that lines should not wait for others.
    virtual bool is_interactive() const { return false; }
};

/// What every writer has to know; the references outlive it.
struct WriterContext {
    const format::Stream& stream;
    Format format;
    Tally& tally;
    Patience* patience;  ///< nullptr: a wait holds up nobody
};

/// Standard output.
std::unique_ptr<LineWriter> make_stdout_writer(const WriterContext& context);

std::uint64_t count_lines(std::string_view lines);

/// What write(2) accepted before it failed; `error` is 0 if that is all.
struct WriteResult {
    std::size_t written = 0;
    int error = 0;
};
WriteResult write_all(int fd, std::string_view bytes);
/// The same where there may be no room for a long time: `room` waits for it before each write; if it says no, the error
/// is ETIMEDOUT.
WriteResult write_with_room(int fd, std::string_view bytes, const std::function<bool()>& room);

}  // namespace smtpscope::log
