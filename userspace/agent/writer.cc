// SPDX-License-Identifier: BSD-3-Clause
#include "agent/writer.h"

#include <utility>
#include <variant>

namespace smtpscope::agent {

Writer::Writer(std::unique_ptr<log::Output> output, QueueLimits limits)
    : queue_(limits), ended_(make_event()), output_(std::move(output)), thread_([this] { write_all(); }) {}

Writer::~Writer() {
    close();
    thread_.join();
}

void Writer::write_all() {
    std::vector<Record> batch;
    while (queue_.take(batch)) {
        apply_changes();
        write(batch);
    }
    signal_event(ended_);
}

void Writer::write(const std::vector<Record>& batch) {
    for (const Record& record : batch) {
        if (const auto* info = std::get_if<Info>(&record)) {
            output_->smtp(*info);
        } else {
            output_->weird(std::get<Weird>(record));
        }
    }
    // Once a batch: a lone record is seen at once, and a burst costs one flush.
    output_->flush();
}

void Writer::apply_changes() {
    std::shared_ptr<log::Output> old;
    bool reopen = false;
    {
        const std::lock_guard lock(mutex_);
        if (next_) {
            old = std::exchange(output_, std::move(next_));
        } else {
            reopen = reopen_;
        }
        reopen_ = false;
    }
    if (reopen) output_->reopen();
}

void Writer::replace(std::unique_ptr<log::Output> output) {
    {
        const std::lock_guard lock(mutex_);
        next_ = std::move(output);
    }
    queue_.wake();
}

void Writer::reopen() {
    {
        const std::lock_guard lock(mutex_);
        reopen_ = true;
    }
    queue_.wake();
}

std::vector<log::SinkStatus> Writer::sinks() const {
    std::shared_ptr<log::Output> output;
    {
        const std::lock_guard lock(mutex_);
        output = output_;
    }
    return output->status();
}

}  // namespace smtpscope::agent
