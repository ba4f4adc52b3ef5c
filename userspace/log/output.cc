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

std::vector<Sink*> pointers(const std::vector<std::unique_ptr<Sink>>& sinks) {
    std::vector<Sink*> all;
    all.reserve(sinks.size());
    for (const auto& sink : sinks) all.push_back(sink.get());
    return all;
}

/// Takes the first one with the name of `like` out of `sinks`; nullptr if there is none.
Sink* take(std::vector<Sink*>& sinks, const Sink& like) {
    const auto same = [&](const Sink* s) { return s->status().name == like.status().name; };
    const auto found = std::find_if(sinks.begin(), sinks.end(), same);
    if (found == sinks.end()) return nullptr;
    Sink* const taken = *found;
    sinks.erase(found);
    return taken;
}

}  // namespace

class Output::Impl {
  public:
    Impl(const Options& options, Delivery delivery) : policy_(make_policy(options)) {
        const auto written = policy_ ? policy_->streams() : streams();
        for (const SinkOptions& s : sinks_or_default(options)) sinks_.push_back(make_sink(s, written, delivery));
    }
    ~Impl() { end(); }

    template <class Record>
    void add(const Record& record) {
        thread_local Rendering::Buffers buffers;
        Rendering rendering(record, buffers);
        if (policy_ && !rendering.obey(*policy_)) return;
        for (const auto& sink : sinks_) sink->add(rendering);
    }
    void flush() {
        for (const auto& sink : sinks_) sink->flush();
        tell_news();
    }
    void hurry(Sink::Clock::time_point deadline) {
        for (const auto& sink : sinks_) sink->hurry(deadline);
    }
    void end() {
        end(pointers(sinks_));
        tell_news();
    }
    void tell_news() {
        for (const auto& sink : sinks_)
            while (const auto news = sink->tally().news()) message(Level::warning, *news);
    }
    void reopen() {
        for (const auto& sink : sinks_) sink->reopen();
        tell_news();
    }
    void succeed(Impl& before) {
        former_ = before.former_;
        std::vector<Sink*> left = pointers(before.sinks_);  // that none of ours goes on with
        std::vector<Sink*> ended;
        std::vector<std::pair<Sink*, Sink*>> heirs;
        for (const auto& sink : sinks_) {
            if (Sink* const former = take(left, *sink); !former) {
                inherit_from_former(*sink);
            } else if (!sink->take_over(*former)) {
                ended.push_back(former);
                heirs.emplace_back(sink.get(), former);
            }
        }
        ended.insert(ended.end(), left.begin(), left.end());
        end(ended);
        for (const auto& [sink, former] : heirs) sink->tally().inherit(former->status());
        for (const Sink* sink : left) former_.push_back(sink->status());
        for (SinkStatus& s : former_) s.former = true;
    }
    std::vector<SinkStatus> status() const {
        std::vector<SinkStatus> all;
        for (const auto& sink : sinks_) all.push_back(sink->status());
        all.insert(all.end(), former_.begin(), former_.end());
        return all;
    }

    std::shared_ptr<const DropPolicy> drop_policy() const { return policy_; }
    std::vector<std::uint64_t> dropped_by_policy() const {
        return policy_ ? policy_->dropped() : std::vector<std::uint64_t>(streams().size());
    }

  private:
    static void end(const std::vector<Sink*>& sinks) {
        for (Sink* sink : sinks) sink->close();
        for (Sink* sink : sinks) sink->end();
    }
    void inherit_from_former(Sink& sink) {
        const auto same = [&](const SinkStatus& s) { return s.name == sink.status().name; };
        const auto found = std::find_if(former_.begin(), former_.end(), same);
        if (found == former_.end()) return;
        sink.tally().inherit(*found);
        former_.erase(found);
    }

    std::shared_ptr<const Policy> policy_;  ///< nullptr: every record is written as it is; outlives the sinks
    std::vector<std::unique_ptr<Sink>> sinks_;
    std::vector<SinkStatus> former_;  ///< of sinks that earlier outputs had
};

Output::Output(const Options& options, Delivery delivery) : impl_(std::make_unique<Impl>(options, delivery)) {}
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
void Output::hurry(std::chrono::steady_clock::time_point deadline) {
    impl_->hurry(deadline);
}
void Output::end() {
    impl_->end();
}
void Output::tell_news() {
    impl_->tell_news();
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
std::shared_ptr<const DropPolicy> Output::drop_policy() const {
    return impl_->drop_policy();
}
std::vector<std::uint64_t> Output::dropped_by_policy() const {
    return impl_->dropped_by_policy();
}

}  // namespace smtpscope::log
