// SPDX-License-Identifier: BSD-3-Clause
#include "log/sink.h"

#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>

#include "files/place.h"
#include "log/file_writer.h"
#include "log/journal.h"
#include "log/journal_lane.h"
#include "log/line_writer.h"
#include "log/route.h"

namespace smtpscope::log {
namespace {

/// The lines of one stream on their way to one writer.
class Channel {
  public:
    Channel(Format format, std::unique_ptr<LineWriter> writer)
        : format_(format), writer_(std::move(writer)), route_([this](const std::string& b) { writer_->write(b); }) {}

    void add(Rendering& record) {
        const std::string_view line = record.line(format_);
        const std::lock_guard lock(mutex_);
        batch_.append(line);
        if (batch_.size() >= batch_size || writer_->is_interactive()) push();
    }
    void flush() {
        const std::lock_guard lock(mutex_);
        if (!batch_.empty()) push();
    }
    void reopen() {
        const std::lock_guard lock(mutex_);
        if (!batch_.empty()) push();
        writer_->reopen();
    }

  private:
    static constexpr std::size_t batch_size = 65536;

    void push() {
        route_.push(std::move(batch_));
        batch_.clear();
        batch_.reserve(batch_size + batch_size / 4);
    }

    std::mutex mutex_;
    const Format format_;
    std::string batch_;
    std::unique_ptr<LineWriter> writer_;
    Route<std::string> route_;
};

/// Files and standard output.
class TextSink final : public Sink {
  public:
    using MakeWriter = std::function<std::unique_ptr<LineWriter>(const WriterContext&)>;

    TextSink(const SinkOptions& options, std::span<const Stream> streams, const std::string& name)
        : options_(options), streams_(streams), tally_(name), archiver_(options_, tally_), channels_(streams.size()) {}
    ~TextSink() override { flush(); }

    void open(const MakeWriter& make_writer) {
        for (const Stream& stream : streams_) {
            if (!takes(options_, stream.name)) continue;
            const WriterContext context{stream, options_.format, tally_};
            channels_[stream.index] = std::make_unique<Channel>(options_.format, make_writer(context));
        }
    }
    const SinkOptions& options() const { return options_; }
    Archiver& archiver() { return archiver_; }

    void add(Rendering& record) override {
        if (auto& channel = channels_[record.stream().index]) channel->add(record);
    }
    void flush() override { for_each(&Channel::flush); }
    void reopen() override { for_each(&Channel::reopen); }
    SinkStatus status() const override { return tally_.status(); }
    Tally& tally() override { return tally_; }

  private:
    void for_each(void (Channel::*act)()) {
        for (const auto& channel : channels_)
            if (channel) ((*channel).*act)();
    }

    const SinkOptions options_;
    const std::span<const Stream> streams_;
    Tally tally_;
    Archiver archiver_;
    std::vector<std::unique_ptr<Channel>> channels_;  ///< by stream; nullptr: not taken
};

class JournalSink final : public Sink {
  public:
    explicit JournalSink(const SinkOptions& options)
        : options_(options),
          lane_(std::make_shared<JournalLane>(options.socket, QueueBounds{})),
          route_([this](const JournalEntry* e) { lane_->queue().push({e->datagram()}); }) {}

    void add(Rendering& record) override {
        if (!takes(options_, record.stream().name)) return;
        std::string_view message = record.line(Format::brief);
        message.remove_suffix(1);
        JournalEntry entry(record.stream().priority, message);
        entry.add(record.stream(), record.values());
        const std::lock_guard lock(mutex_);
        route_.push(&entry);
    }
    void hurry(Clock::time_point deadline) override { lane_->queue().hurry(deadline); }
    void close() override {
        if (!handed_over_) lane_->queue().close();
    }
    void end() override {
        if (!handed_over_) lane_->queue().end();
    }
    bool take_over(Sink& former) override {
        auto* const other = dynamic_cast<JournalSink*>(&former);
        if (!other || other->options_.socket != options_.socket) return false;
        lane_ = other->lane_;
        other->handed_over_ = true;
        return true;
    }
    SinkStatus status() const override { return lane_->status(); }
    Tally& tally() override { return lane_->tally(); }

  private:
    const SinkOptions options_;
    std::shared_ptr<JournalLane> lane_;  ///< that of the sink before, after a reload
    bool handed_over_ = false;           ///< to the next one
    std::mutex mutex_;
    Route<const JournalEntry*> route_;
};

void check_directory(const std::string& directory) {
    const auto found = files::obstacle(directory, files::Use::logs, files::own_identity());
    if (found) throw std::runtime_error("log directory " + directory + ": " + found->why + "; " + found->remedy + ".");
}

std::unique_ptr<Sink> make_file_sink(const SinkOptions& options, std::span<const Stream> streams) {
    check_directory(options.directory);
    auto sink = std::make_unique<TextSink>(options, streams, options.directory);
    TextSink& s = *sink;
    s.open([&s](const WriterContext& c) { return std::make_unique<FileWriter>(c, s.options(), s.archiver()); });
    return sink;
}

}  // namespace

std::unique_ptr<Sink> make_sink(const SinkOptions& options, std::span<const Stream> streams) {
    switch (options.type) {
        case SinkType::journald:
            return std::make_unique<JournalSink>(options);
        case SinkType::file:
            return make_file_sink(options, streams);
        case SinkType::stdout_:
            break;
    }
    auto sink = std::make_unique<TextSink>(options, streams, "stdout");
    sink->open(make_stdout_writer);
    return sink;
}

}  // namespace smtpscope::log
