// SPDX-License-Identifier: BSD-3-Clause
// The lines of one sink, files or standard output, on their way to the writers of their streams.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log/archiver.h"
#include "log/line_writer.h"
#include "log/patience.h"
#include "log/sink_queue.h"
#include "log/tally.h"

namespace smtpscope::log {

/// Thread-safe, except that lines of one stream must not come from two threads at once.
class TextLane final : private Consumer {
  public:
    using MakeWriter = std::function<std::unique_ptr<LineWriter>(const WriterContext&, const SinkOptions&, Archiver&)>;

    TextLane(const SinkOptions& options, std::span<const format::Stream> streams, Delivery delivery,
             const std::string& name, const MakeWriter& make_writer);

    void begin_after(std::shared_future<void> former);
    /// nullptr if the sink does not take the stream. Not after the end.
    const LineWriter* writer(std::size_t stream) const { return writers_[stream].get(); }
    /// Moves it away, if it has to wait.
    void push(Parcel&& parcel);

    void hurry(SinkQueue::Clock::time_point deadline);
    void close();
    /// Files are closed then.
    void end();

    Tally& tally() { return tally_; }
    SinkStatus status() const { return queue_ ? queue_->status() : tally_.status(); }
    /// Whether the other one could write the same files.
    bool is_like(const TextLane& other) const;

  private:
    void take(const Parcel& parcel, std::uint64_t dropped) override;
    std::optional<std::chrono::milliseconds> rest(std::uint64_t) override { return std::nullopt; }

    const SinkOptions options_;
    const std::vector<format::Stream> streams_;
    Tally tally_;
    Patience patience_;
    Archiver archiver_;
    std::vector<std::unique_ptr<LineWriter>> writers_;  ///< by stream
    std::optional<SinkQueue> queue_;                    ///< last: its thread uses the others
};

}  // namespace smtpscope::log
