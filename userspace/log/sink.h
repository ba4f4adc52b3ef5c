// SPDX-License-Identifier: BSD-3-Clause
// One sink of the configuration: which streams it takes, in which form, and what becomes of them.
#pragma once

#include <chrono>
#include <future>
#include <memory>

#include "log/rendering.h"
#include "log/tally.h"

namespace smtpscope::log {

/// Thread-safe.
class Sink {
  public:
    using Clock = std::chrono::steady_clock;

    virtual ~Sink() = default;
    virtual void add(Rendering& record) = 0;
    virtual void flush() {}
    virtual void reopen() {}

    /// At the end: from now on add() waits for room, until the deadline at the latest.
    virtual void hurry(Clock::time_point deadline) = 0;
    /// Nothing will be added any more: begins to write what still waits. Call close() of all sinks before end() of
    /// the first one: then they do it at the same time.
    virtual void close() = 0;
    /// Returns when it will neither write nor count any more.
    virtual void end() = 0;

    /// Takes over what waits for `former`, a sink of the same name, and its counts, if it can: then `former` is not
    /// ended.
    virtual bool take_over(Sink& former) = 0;
    /// Nothing is written before `former` is ready: the end of a sink that may write to the same place.
    virtual void begin_after(std::shared_future<void> former) = 0;

    virtual SinkStatus status() const = 0;
    virtual Tally& tally() = 0;
};

/// `streams`: as they are written. Throws std::runtime_error if it cannot be.
std::unique_ptr<Sink> make_sink(const SinkOptions& options, std::span<const format::Stream> streams, Delivery delivery);

}  // namespace smtpscope::log
