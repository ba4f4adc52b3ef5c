// SPDX-License-Identifier: BSD-3-Clause
#include "log/former_sink.h"

#include <system_error>
#include <utility>

namespace smtpscope::log {

FormerSink::FormerSink(std::shared_ptr<Sink> sink) : sink_(std::move(sink)), ended_(end_.get_future()) {
    sink_->close();
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        run();  // no thread could be started: the caller waits for the sink's end
    }
}

FormerSink::~FormerSink() {
    if (thread_.joinable()) thread_.join();
}

void FormerSink::run() {
    sink_->end();
    {
        std::shared_ptr<Sink> gone;  // without the lock
        const std::lock_guard lock(mutex_);
        last_ = sink_->status();
        gone.swap(sink_);
    }
    end_.set_value();
}

SinkStatus FormerSink::status() const {
    const std::lock_guard lock(mutex_);
    SinkStatus status = sink_ ? sink_->status() : last_;
    status.former = true;
    return status;
}

std::optional<std::string> FormerSink::news() {
    const std::lock_guard lock(mutex_);
    return sink_ ? sink_->tally().news() : std::nullopt;
}

}  // namespace smtpscope::log
