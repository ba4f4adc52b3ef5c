// SPDX-License-Identifier: BSD-3-Clause
#include "log/output.h"

#include <algorithm>

#include "log/journal.h"
#include "log/policy.h"
#include "log/sink.h"

namespace smtpscope::log {
namespace {

std::vector<SinkOptions> sinks_or_default(const Options& options) {
    if (!options.sinks.empty()) return options.sinks;
    SinkOptions sink;
    sink.type = under_systemd() ? SinkType::journald : SinkType::stdout_;
    return {sink};
}

}  // namespace

class Output::Impl {
  public:
    explicit Impl(const Options& options) : policy_(make_policy(options)) {
        const auto written = policy_ ? policy_->streams() : streams();
        for (const SinkOptions& s : sinks_or_default(options)) sinks_.push_back(make_sink(s, written));
    }
    ~Impl() { flush(); }

    template <class Record>
    void add(const Record& record) {
        thread_local Rendering::Buffers buffers;
        Rendering rendering(record, buffers);
        if (policy_ && !rendering.obey(*policy_)) return;
        for (const auto& sink : sinks_) sink->add(rendering);
    }
    void flush() {
        for (const auto& sink : sinks_) sink->flush();
        report();
    }
    void reopen() {
        for (const auto& sink : sinks_) sink->reopen();
        report();
    }
    void succeed(Impl& before) {
        before.flush();
        former_ = before.status();
        for (const auto& sink : sinks_) {
            const auto same = [&](const SinkStatus& s) { return s.name == sink->tally().status().name; };
            const auto found = std::find_if(former_.begin(), former_.end(), same);
            if (found == former_.end()) continue;
            sink->tally().inherit(*found);
            former_.erase(found);
        }
        for (SinkStatus& s : former_) s.former = true;
    }
    std::vector<SinkStatus> status() const {
        std::vector<SinkStatus> all;
        for (const auto& sink : sinks_) all.push_back(sink->tally().status());
        all.insert(all.end(), former_.begin(), former_.end());
        return all;
    }

    std::vector<std::uint64_t> dropped_by_policy() const {
        return policy_ ? policy_->dropped() : std::vector<std::uint64_t>(streams().size());
    }

  private:
    void report() {
        for (const auto& sink : sinks_)
            while (const auto news = sink->tally().news()) message(Level::warning, *news);
    }

    std::unique_ptr<Policy> policy_;  ///< nullptr: every record is written as it is; outlives the sinks
    std::vector<std::unique_ptr<Sink>> sinks_;
    std::vector<SinkStatus> former_;  ///< of sinks that earlier outputs had
};

Output::Output(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
Output::~Output() = default;

void Output::smtp(const Info& rec) {
    impl_->add(rec);
}
void Output::weird(const Weird& rec) {
    impl_->add(rec);
}
void Output::file(const FileInfo& rec) {
    impl_->add(rec);
}
void Output::ssl(const SslInfo& rec) {
    impl_->add(rec);
}
void Output::notice(const Notice& rec) {
    impl_->add(rec);
}
void Output::software(const Software& rec) {
    impl_->add(rec);
}
void Output::flush() {
    impl_->flush();
}
void Output::succeed(Output& before) {
    impl_->succeed(*before.impl_);
}
void Output::reopen() {
    impl_->reopen();
}
std::vector<SinkStatus> Output::status() const {
    return impl_->status();
}
std::vector<std::uint64_t> Output::dropped_by_policy() const {
    return impl_->dropped_by_policy();
}

}  // namespace smtpscope::log
