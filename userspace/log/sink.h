// SPDX-License-Identifier: BSD-3-Clause
// One sink of the configuration: which streams it takes, in which form, and what becomes of them.
#pragma once

#include <memory>

#include "log/rendering.h"
#include "log/tally.h"

namespace smtpscope::log {

/// Thread-safe.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void add(Rendering& record) = 0;
    virtual void flush() {}
    virtual void reopen() {}
    virtual const Tally& tally() const = 0;
    virtual Tally& tally() = 0;
};

/// `streams`, as they are written, outlive it. Throws std::runtime_error if it cannot be.
std::unique_ptr<Sink> make_sink(const SinkOptions& options, std::span<const Stream> streams);

}  // namespace smtpscope::log
