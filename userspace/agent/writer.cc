// SPDX-License-Identifier: BSD-3-Clause
#include "agent/writer.h"

#include <utility>

namespace smtpscope::agent {

namespace {

/// Time for the thread itself after the sinks have ended; whoever waits for it has the same deadline.
constexpr std::chrono::seconds for_the_rest{5};

}  // namespace

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
    output_->end();
    signal_event(ended_);
}

void Writer::write(const std::vector<Record>& batch) {
    for (const Record& record : batch) records::deliver(record, *output_);
    // Once a batch: a lone record is seen at once, and a burst costs one flush.
    output_->flush();
}

void Writer::apply_changes() {
    std::vector<std::shared_ptr<log::Output>> former;  // destroyed without the lock
    bool reopen = false;
    {
        const std::lock_guard lock(mutex_);
        reopen = std::exchange(reopen_, false) && next_.empty();
        for (auto& next : std::exchange(next_, {})) {
            next->succeed(*output_);
            former.push_back(std::exchange(output_, std::move(next)));
            if (hurry_) output_->hurry(*hurry_);
        }
    }
    if (reopen) output_->reopen();
}

void Writer::replace(std::unique_ptr<log::Output> output) {
    {
        const std::lock_guard lock(mutex_);
        next_.push_back(std::move(output));
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

void Writer::hurry(std::chrono::steady_clock::time_point deadline) {
    queue_.wait_when_full(deadline);
    const std::lock_guard lock(mutex_);
    hurry_ = deadline - for_the_rest;
    output_->hurry(*hurry_);
}

std::shared_ptr<log::Output> Writer::output() const {
    const std::lock_guard lock(mutex_);
    return output_;
}

std::vector<log::SinkStatus> Writer::sinks() const {
    const std::lock_guard lock(mutex_);  // not during a change of the output: a count never decreases
    return output_->status();
}

std::vector<std::uint64_t> Writer::dropped_by_policy() const {
    const std::lock_guard lock(mutex_);
    return output_->dropped_by_policy();
}

}  // namespace smtpscope::agent
