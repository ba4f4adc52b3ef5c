// SPDX-License-Identifier: BSD-3-Clause
#include "log/output.h"

#include <algorithm>

#include "log/former_sink.h"
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

using Sinks = std::vector<std::shared_ptr<Sink>>;

bool same_name(const SinkStatus& a, const SinkStatus& b) {
    return a.name == b.name;
}

/// Removes the first sink with the name of `like` from `sinks` and returns it; nullptr if there is none.
std::shared_ptr<Sink> take(Sinks& sinks, const Sink& like) {
    const auto same = [&](const auto& s) { return same_name(s->status(), like.status()); };
    const auto found = std::find_if(sinks.begin(), sinks.end(), same);
    if (found == sinks.end()) return nullptr;
    std::shared_ptr<Sink> taken = std::move(*found);
    sinks.erase(found);
    return taken;
}

/// Adds its counts to those of the first of the same name, or else itself.
void add(std::vector<SinkStatus>& all, const SinkStatus& former) {
    const auto same = [&](const SinkStatus& s) { return same_name(s, former); };
    const auto found = std::find_if(all.begin(), all.end(), same);
    if (found == all.end()) return all.push_back(former);
    found->written += former.written;
    found->dropped += former.dropped;
    found->dropped_queue_full += former.dropped_queue_full;
    found->dropped_at_end += former.dropped_at_end;
    found->waiting += former.waiting;
    found->waiting_bytes += former.waiting_bytes;
    if (found->last_loss.empty()) found->last_loss = former.last_loss;
}

void add(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) to[i] += counts[i];
}

}  // namespace

class Output::Impl {
  public:
    Impl(const Options& options, Delivery delivery)
        : policy_(make_policy(options)), dropped_before_(format::streams().size()) {
        const auto written = policy_ ? policy_->streams() : format::streams();
        for (const SinkOptions& s : sinks_or_default(options)) sinks_.push_back(make_sink(s, written, delivery));
    }
    ~Impl() {
        if (!succeeded_) end();
    }

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
        for (const auto& sink : sinks_) sink->close();
        for (const auto& sink : sinks_) sink->end();
        for (const auto& sink : ending_) sink->ended().wait();
        tell_news();
    }
    void tell_news() {
        for (const auto& sink : sinks_)
            while (const auto news = sink->tally().news()) message(Level::warning, *news);
        for (const auto& sink : ending_)
            while (const auto news = sink->news()) message(Level::warning, *news);
    }
    void reopen() {
        for (const auto& sink : sinks_) sink->reopen();
        tell_news();
    }
    void succeed(Impl& before) {
        former_ = before.former_;
        for (const auto& sink : before.ending_) {
            if (sink->has_ended())
                log::add(former_, sink->status());
            else
                ending_.push_back(sink);
        }
        Sinks left = before.sinks_;  // those that none of ours continues
        Sinks fresh;
        for (const auto& sink : sinks_) {
            auto former = take(left, *sink);
            if (former && sink->take_over(*former)) continue;
            if (former) ending_.push_back(std::make_shared<FormerSink>(std::move(former)));
            fresh.push_back(sink);
        }
        for (auto& sink : left) ending_.push_back(std::make_shared<FormerSink>(std::move(sink)));
        for (const auto& sink : fresh)
            for (const auto& former : ending_)
                if (same_name(sink->status(), former->status())) sink->begin_after(former->ended());
        before.succeeded_ = true;
        remember_policies(before);
    }
    std::vector<SinkStatus> status() const {
        std::vector<SinkStatus> all;
        for (const auto& sink : sinks_) all.push_back(sink->status());
        for (const SinkStatus& former : former_) log::add(all, former);
        for (const auto& sink : ending_) log::add(all, sink->status());
        return all;
    }

    std::shared_ptr<const DropPolicy> drop_policy() const { return policy_; }
    std::vector<std::uint64_t> dropped_by_policy() const {
        std::vector<std::uint64_t> all = dropped_before_;
        if (policy_) log::add(all, policy_->dropped());
        for (const auto& policy : policies_) log::add(all, policy->dropped());
        return all;
    }

  private:
    /// An engine goes on with the policy that it has until it is told of the next one.
    void remember_policies(const Impl& before) {
        log::add(dropped_before_, before.dropped_before_);
        for (const auto& policy : before.policies_) {
            if (policy.use_count() == 1)  // that of `before`
                log::add(dropped_before_, policy->dropped());
            else
                policies_.push_back(policy);
        }
        if (before.policy_) policies_.push_back(before.policy_);
    }

    std::shared_ptr<const Policy> policy_;  ///< nullptr: every record is written as it is; outlives the sinks
    std::vector<std::shared_ptr<const Policy>> policies_;  ///< of earlier outputs, which engines may still use
    std::vector<std::uint64_t> dropped_before_;            ///< by those that are not used any more
    Sinks sinks_;
    std::vector<std::shared_ptr<FormerSink>> ending_;  ///< sinks of earlier outputs
    std::vector<SinkStatus> former_;                   ///< the counts of those that had ended before this output began
    bool succeeded_ = false;                           ///< another output has taken over the sinks
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
