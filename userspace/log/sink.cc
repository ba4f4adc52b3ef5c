// SPDX-License-Identifier: BSD-3-Clause
#include "log/sink.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "files/place.h"
#include "log/file_writer.h"
#include "log/journal.h"
#include "log/journal_lane.h"
#include "log/line_writer.h"
#include "log/route.h"
#include "log/text_lane.h"

namespace smtpscope::log {
namespace {

/// A sink that writes through a lane, which can be taken over from an earlier sink.
template <class Lane>
class LaneSink : public Sink {
  public:
    explicit LaneSink(std::shared_ptr<Lane> lane) : lane_(std::move(lane)) {}

    void hurry(Clock::time_point deadline) override { lane_->hurry(deadline); }
    void close() override {
        flush();
        if (!handed_over_) lane_->close();
    }
    void end() override {
        if (!handed_over_) lane_->end();
    }
    bool take_over(Sink& former) override {
        auto* const other = dynamic_cast<LaneSink*>(&former);
        if (!other || !lane_->is_like(*other->lane_)) return false;
        other->flush();
        lane_ = other->lane_;
        other->handed_over_ = true;
        reopen();
        return true;
    }
    void begin_after(std::shared_future<void> former) override { lane_->begin_after(std::move(former)); }
    SinkStatus status() const override { return lane_->status(); }
    Tally& tally() override { return lane_->tally(); }

  protected:
    std::shared_ptr<Lane> lane_;

  private:
    bool handed_over_ = false;  ///< to the next sink
};

/// The lines of one stream on their way to a lane.
class Channel {
  public:
    /// `lane` outlives it, and may change to another one.
    Channel(Format format, std::size_t stream, const std::shared_ptr<TextLane>& lane)
        : format_(format),
          interactive_(lane->writer(stream)->is_interactive()),
          batch_{{}, 0, stream},
          route_([&lane](Parcel* const& parcel) { lane->push(std::move(*parcel)); }) {}

    void add(Rendering& record) {
        const std::string_view line = record.line(format_);
        const std::lock_guard lock(mutex_);
        batch_.bytes.append(line);
        ++batch_.records;
        if (batch_.bytes.size() >= batch_size || interactive_) push();
    }
    void flush() {
        const std::lock_guard lock(mutex_);
        if (batch_.records != 0) push();
    }
    void reopen() {
        const std::lock_guard lock(mutex_);
        if (batch_.records != 0) push();
        push();  // no records: asks for a new file
    }

  private:
    static constexpr std::size_t batch_size = 65536;

    void push() {
        route_.push(&batch_);
        batch_.bytes.clear();
        batch_.records = 0;
    }

    std::mutex mutex_;
    const Format format_;
    const bool interactive_;
    Parcel batch_;
    Route<Parcel*> route_;
};

/// Files and standard output.
class TextSink final : public LaneSink<TextLane> {
  public:
    TextSink(std::shared_ptr<TextLane> lane, Format format, std::span<const format::Stream> streams)
        : LaneSink(std::move(lane)), channels_(streams.size()) {
        for (const format::Stream& s : streams)
            if (lane_->writer(s.index)) channels_[s.index] = std::make_unique<Channel>(format, s.index, lane_);
    }
    ~TextSink() override { for_each(&Channel::flush); }

    void add(Rendering& record) override {
        if (auto& channel = channels_[record.stream().index]) channel->add(record);
    }
    void flush() override { for_each(&Channel::flush); }
    void reopen() override { for_each(&Channel::reopen); }

  private:
    void for_each(void (Channel::*act)()) {
        for (const auto& channel : channels_)
            if (channel) ((*channel).*act)();
    }

    std::vector<std::unique_ptr<Channel>> channels_;  ///< by stream; nullptr: not taken
};

class JournalSink final : public LaneSink<JournalLane> {
  public:
    explicit JournalSink(const SinkOptions& options)
        : LaneSink(std::make_shared<JournalLane>(options.socket, QueueBounds{})),
          options_(options),
          route_([this](const JournalEntry* e) { lane_->push({e->datagram()}); }) {}

    void add(Rendering& record) override {
        if (!takes(options_, record.stream().name)) return;
        std::string_view message = record.line(Format::brief);
        message.remove_suffix(1);
        JournalEntry entry(record.stream().priority, message);
        entry.add(record.stream(), record.values());
        const std::lock_guard lock(mutex_);
        route_.push(&entry);
    }

  private:
    const SinkOptions options_;
    std::mutex mutex_;
    Route<const JournalEntry*> route_;
};

void check_directory(const std::string& directory) {
    const auto found = files::obstacle(directory, files::Use::logs, files::own_identity());
    if (found) throw std::runtime_error("log directory " + directory + ": " + found->why + "; " + found->remedy + ".");
}

std::unique_ptr<LineWriter> make_file_writer(const WriterContext& context, const SinkOptions& options,
                                             Archiver& archiver) {
    return std::make_unique<FileWriter>(context, options, archiver);
}

}  // namespace

std::unique_ptr<Sink> make_sink(const SinkOptions& options, std::span<const format::Stream> streams,
                                Delivery delivery) {
    if (options.type == SinkType::journald) return std::make_unique<JournalSink>(options);
    const bool is_file = options.type == SinkType::file;
    if (is_file) check_directory(options.directory);
    const auto make_writer = [](const WriterContext& context, const SinkOptions&, Archiver&) {
        return make_stdout_writer(context);
    };
    auto lane = std::make_shared<TextLane>(
        options, streams, delivery, is_file ? options.directory : "stdout",
        is_file ? TextLane::MakeWriter(make_file_writer) : TextLane::MakeWriter(make_writer));
    return std::make_unique<TextSink>(std::move(lane), options.format, streams);
}

}  // namespace smtpscope::log
