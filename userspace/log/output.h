// SPDX-License-Identifier: BSD-3-Clause
// The record streams on their way to the sinks, and the agent's own messages. Boost.Log is behind this header and
// nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/options.h"
#include "smtpscope/engine.h"

namespace smtpscope::log {

/// What became of the records of one sink.
struct SinkStatus {
    std::string name;  ///< `journald`, `stdout`, or the directory
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;  ///< refused by the sink: disk full, socket gone, ...
    std::string last_error;     ///< empty if there was none
    bool former = false;        ///< a sink of an earlier configuration that the one in effect has not
};

/// All sinks of one configuration. Thread-safe.
class Output final : public RecordSink {
  public:
    /// Throws std::runtime_error if a sink cannot be opened (directory missing, not writable, ...), or the key file of
    /// `log.privacy` cannot be read.
    explicit Output(const Options& options);
    ~Output() override;

    void smtp(const Info& rec) override;
    void weird(const Weird& rec) override;
    void file(const FileInfo& rec) override;
    void ssl(const SslInfo& rec) override;
    void notice(const Notice& rec) override;
    void software(const Software& rec) override;

    void flush();
    /// Ends `before`, to which nothing is added any more, and goes on with its counts: a sink takes those of the one of
    /// the same name. What no sink takes stays in status() as a former one, so that no sum ever falls.
    void succeed(Output& before);
    void reopen();  ///< begins new files, after somebody moved the old ones away
    std::vector<SinkStatus> status() const;
    /// Records that `log.policy` or `log.privacy` kept from the sinks, in the order of streams().
    std::vector<std::uint64_t> dropped_by_policy() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// The agent's own messages: to stderr, or to journald when stderr is connected to it.
void set_level(Level level);
void message(Level level, std::string_view text);

}  // namespace smtpscope::log
