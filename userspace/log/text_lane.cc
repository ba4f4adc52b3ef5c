// SPDX-License-Identifier: BSD-3-Clause
#include "log/text_lane.h"

#include <algorithm>
#include <utility>

namespace smtpscope::log {
namespace {

/// Whether their files look alike.
bool same_columns(const format::Stream& a, const format::Stream& b) {
    const auto same = [](const format::Column& x, const format::Column& y) {
        return x.name == y.name && x.type == y.type;
    };
    return a.name == b.name && std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(), same);
}

}  // namespace

TextLane::TextLane(const SinkOptions& options, std::span<const format::Stream> streams, Delivery delivery,
                   const std::string& name, const MakeWriter& make_writer)
    : options_(options),
      streams_(streams.begin(), streams.end()),
      tally_(name),
      archiver_(options_, tally_),
      writers_(streams.size()) {
    for (const format::Stream& stream : streams_) {
        if (!takes(options_, stream.name)) continue;
        Patience* const patience = delivery == Delivery::queued ? &patience_ : nullptr;
        writers_[stream.index] = make_writer({stream, options_.format, tally_, patience}, options_, archiver_);
    }
    Consumer& self = *this;
    if (delivery == Delivery::queued) queue_.emplace(self, tally_, patience_);
}

void TextLane::push(Parcel&& parcel) {
    if (queue_)
        queue_->push(std::move(parcel));
    else
        take(parcel, 0);
}

void TextLane::take(const Parcel& parcel, std::uint64_t) {
    LineWriter& writer = *writers_[parcel.stream];
    if (parcel.records == 0)
        writer.reopen();
    else
        writer.write(parcel.bytes);
}

void TextLane::hurry(SinkQueue::Clock::time_point deadline) {
    if (queue_) queue_->hurry(deadline);
}

void TextLane::close() {
    if (queue_) queue_->close();
}

void TextLane::end() {
    if (queue_) queue_->end();
    for (auto& writer : writers_) writer.reset();
}

void TextLane::begin_after(std::shared_future<void> former) {
    if (queue_)
        queue_->begin_after(std::move(former));
    else
        former.wait();
}

bool TextLane::is_like(const TextLane& other) const {
    return options_ == other.options_ && queue_.has_value() == other.queue_.has_value() &&
           std::equal(streams_.begin(), streams_.end(), other.streams_.begin(), other.streams_.end(), same_columns);
}

}  // namespace smtpscope::log
