// SPDX-License-Identifier: BSD-3-Clause
#include "log/sink_queue.h"

#include <algorithm>
#include <utility>

namespace smtpscope::log {
namespace {

constexpr std::chrono::seconds longest_end{10}, least_end{1};
constexpr std::chrono::milliseconds between_looks{20};
constexpr std::chrono::seconds worth_telling{1};

/// What a parcel counts in the bounds.
std::size_t size_of(const Parcel& parcel) {
    return parcel.bytes.capacity() + sizeof parcel;
}

}  // namespace

SinkQueue::SinkQueue(Consumer& consumer, Tally& tally, Patience& patience, QueueBounds bounds)
    : consumer_(consumer), tally_(tally), patience_(patience), bounds_(bounds), thread_([this] { work(); }) {}

SinkQueue::~SinkQueue() {
    end();
}

void SinkQueue::begin_after(std::shared_future<void> former) {
    const std::lock_guard lock(mutex_);
    former_.push_back(std::move(former));
}

void SinkQueue::push(Parcel parcel) {
    std::unique_lock lock(mutex_);
    if (!has_room(parcel) && !wait_for_room(lock, parcel)) return drop(parcel);
    waiting_.records += parcel.records;
    waiting_.bytes += size_of(parcel);
    items_.push_back({std::move(parcel), std::exchange(dropped_, 0)});
    filled_.notify_one();
}

bool SinkQueue::has_room(const Parcel& parcel) const {
    // A parcel that is larger than the bounds still goes through an empty queue.
    return waiting_.records == 0 || parcel.records == 0 ||
           (waiting_.records + parcel.records <= bounds_.records && waiting_.bytes + size_of(parcel) <= bounds_.bytes);
}

/// Waits at the end only. False if there is no room.
bool SinkQueue::wait_for_room(std::unique_lock<std::mutex>& lock, const Parcel& parcel) {
    while (deadline_ != Clock::time_point{} && !patience_.is_over()) {
        if (Clock::now() >= given_up_at()) {
            patience_.end();
            break;
        }
        drained_.wait_until(lock, given_up_at());
        if (has_room(parcel)) return true;
    }
    return false;
}

void SinkQueue::drop(const Parcel& parcel) {
    dropped_ += parcel.records;
    if (patience_.is_over())
        tally_.dropped(parcel.records, LossCause::ended, "it did not take them before the end.");
    else
        tally_.dropped(parcel.records, LossCause::queue_full,
                       "its queue is full: " + std::to_string(waiting_.records) + " records wait for it.");
}

void SinkQueue::hurry(Clock::time_point deadline) {
    const std::lock_guard lock(mutex_);
    hurried_ = Clock::now();
    deadline_ = deadline;
}

/// At the end: when the sink is given up if it takes nothing before.
SinkQueue::Clock::time_point SinkQueue::given_up_at() const {
    return std::min(deadline_, std::max(hurried_, patience_.last_move()) + bounds_.stuck_after);
}

void SinkQueue::close() {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    if (deadline_ == Clock::time_point{}) {
        hurried_ = Clock::now();
        deadline_ = hurried_ + longest_end;
    } else {
        // Another sink may have used up the time until the deadline.
        deadline_ = std::max(deadline_, Clock::now() + least_end);
    }
    filled_.notify_one();
}

void SinkQueue::end() {
    close();
    {
        std::unique_lock lock(mutex_);
        while (!ended_ && Clock::now() < given_up_at()) drained_.wait_until(lock, given_up_at());
        if (!ended_) patience_.end();
    }
    if (thread_.joinable()) thread_.join();
}

void SinkQueue::work() {
    while (const std::optional<Item> item = next()) {
        if (patience_.is_over())
            tally_.dropped(item->parcel.records, LossCause::ended, "it did not take them before the end.");
        else
            consumer_.take(item->parcel, item->dropped_before);
        done(item->parcel);
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    drained_.notify_all();
}

/// Nothing when the queue is closed and empty.
std::optional<SinkQueue::Item> SinkQueue::next() {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return closed_ || !items_.empty(); };
    while (items_.empty()) {
        const std::uint64_t dropped = std::exchange(dropped_, 0);
        lock.unlock();
        const auto again = consumer_.rest(dropped);
        lock.lock();
        if (closed_ && items_.empty()) return std::nullopt;
        if (again)
            filled_.wait_for(lock, *again, ready);
        else
            filled_.wait(lock, ready);
    }
    Item item = std::move(items_.front());
    items_.pop_front();
    const auto before = std::exchange(former_, {});
    lock.unlock();
    for (const auto& former : before) wait_for(former);
    return item;
}

void SinkQueue::wait_for(const std::shared_future<void>& former) const {
    const auto begun = Clock::now();
    while (former.wait_for(between_looks) != std::future_status::ready && !patience_.is_over()) {
        patience_.moved();  // whether the former one is stuck is its own queue's business
        if (Clock::now() - begun >= worth_telling) tally_.waits("the sink before the last reload has not ended yet.");
    }
}

void SinkQueue::done(const Parcel& parcel) {
    patience_.moved();
    const std::lock_guard lock(mutex_);
    waiting_.records -= parcel.records;
    waiting_.bytes -= size_of(parcel);
    drained_.notify_all();
}

SinkStatus SinkQueue::status() const {
    const std::lock_guard lock(mutex_);
    SinkStatus status = tally_.status();
    status.waiting = waiting_.records;
    status.waiting_bytes = waiting_.bytes;
    return status;
}

}  // namespace smtpscope::log
