// SPDX-License-Identifier: BSD-3-Clause
#include "agent/worker.h"

#include <stdexcept>
#include <utility>

namespace smtpscope::agent {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr Duration poll_timeout = 100ms;
/// Without a session nothing is due: only packets and wake() can end the wait.
constexpr Duration rest_timeout = 1h;
constexpr Duration publish_interval = 100ms;
/// Traffic continues while the last packets are read; there has to be a limit.
constexpr Duration drain_limit = 1s;
constexpr Duration answer_limit = 1s;

}  // namespace

Worker::Worker(capture::Source& source, RecordSink& sink, FlowControl* control)
    : source_(source), sink_(sink), control_(control), ended_(make_event()) {}

void Worker::start(const EngineOptions& options, Hooks hooks) {
    thread_ = std::thread([=, this, hooks = std::move(hooks)] { run(options, hooks); });
}

Worker::~Worker() {
    stop();
    if (thread_.joinable()) thread_.join();
}

void Worker::stop() {
    // A second time, as when it is destroyed, the source may be gone.
    if (!stopping_.exchange(true, std::memory_order_relaxed)) source_.wake();
}

std::string Worker::join() {
    if (thread_.joinable()) thread_.join();
    return failure_;
}

void Worker::set_options(const EngineOptions& options) {
    const std::lock_guard lock(mutex_);
    new_options_ = options;
    has_options_.store(true, std::memory_order_relaxed);
    source_.wake();
}

bool Worker::alive() {
    // In this order: once a wait is seen to be over, it has been counted.
    const bool waiting = waiting_.load(std::memory_order_acquire);
    const std::uint64_t turns = turns_.load(std::memory_order_relaxed);
    return std::exchange(turns_seen_, turns) != turns || waiting;
}

EngineStats Worker::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

std::vector<FlowSummary> Worker::flows(std::size_t limit) {
    std::future<std::vector<FlowSummary>> answer;
    {
        const std::lock_guard lock(mutex_);
        FlowsWanted wanted{limit, {}};
        answer = wanted.answer.get_future();
        flows_wanted_ = std::move(wanted);  // the only other request can be one whose caller has given up
        has_flows_wanted_.store(true, std::memory_order_relaxed);
    }
    source_.wake();
    if (answer.wait_for(answer_limit) != std::future_status::ready)
        throw std::runtime_error("the worker that knows the sessions is too busy to tell of them; ask again");
    return answer.get();
}

void Worker::answer_flows(const Engine& engine) {
    std::optional<FlowsWanted> wanted;
    {
        const std::lock_guard lock(mutex_);
        wanted.swap(flows_wanted_);
        has_flows_wanted_.store(false, std::memory_order_relaxed);
    }
    if (wanted) wanted->answer.set_value(engine.flows(wanted->limit));
}

void Worker::pass(const Packet& packet) {
    const std::lock_guard lock(mutex_);
    const std::size_t cost = sizeof(Passed) + packet.data.size();
    if (passed_bytes_ + cost > max_passed_bytes) {
        passed_dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    passed_bytes_ += cost;
    passed_.push_back({packet, {packet.data.begin(), packet.data.end()}});
    if (!has_passed_.exchange(true, std::memory_order_relaxed)) source_.wake();
}

void Worker::take_passed() {
    const std::lock_guard lock(mutex_);
    taken_.swap(passed_);
    passed_bytes_ = 0;
    has_passed_.store(false, std::memory_order_relaxed);
}

std::size_t Worker::analyse_passed(Engine& engine, Timestamp before) {
    std::size_t packets = 0;
    for (; next_taken_ < taken_.size() && taken_[next_taken_].packet.ts <= before; ++next_taken_) {
        Passed& one = taken_[next_taken_];
        one.packet.data = one.data;
        engine.packet(one.packet);
        last_packet_ = one.packet.ts;
        ++packets;
    }
    if (next_taken_ < taken_.size()) return packets;
    taken_.clear();
    next_taken_ = 0;
    return packets;
}

void Worker::run(const EngineOptions& options, const Hooks& hooks) {
    try {
        Engine engine(options, sink_, control_, hooks);
        try {
            analyse(engine);
        } catch (const capture::Error& e) {
            failure_ = e.what();
        }
        engine.finish(at_end_ ? Ending::end_of_capture : Ending::shutdown);
        publish(engine);
    } catch (const std::exception& e) {
        failure_ = e.what();
    }
    signal_event(ended_);
}

void Worker::analyse(Engine& engine) {
    while (!stopping_.load(std::memory_order_relaxed) && !at_end_) {
        const std::size_t packets = turn(engine, engine.waits_for_time() ? poll_timeout : rest_timeout);
        if (packets == 0 && last_packet_) engine.advance(*last_packet_ + (steady_clock::now() - last_packet_seen_));
        if (has_options_.load(std::memory_order_relaxed)) apply_options(engine);
        if (has_flows_wanted_.load(std::memory_order_relaxed)) answer_flows(engine);
        if (!engine.waits_for_time() || steady_clock::now() - published_ >= publish_interval) publish(engine);
    }
    drain(engine);
}

void Worker::move_on() {
    turns_.fetch_add(1, std::memory_order_relaxed);
    waiting_.store(false, std::memory_order_release);
}

void Worker::drain(Engine& engine) {
    const auto until = steady_clock::now() + drain_limit;
    while (!at_end_ && turn(engine, Duration::zero()) != 0 && steady_clock::now() < until) {
    }
    analyse_passed(engine, Timestamp::max());
    take_passed();
    analyse_passed(engine, Timestamp::max());
}

std::size_t Worker::turn(Engine& engine, Duration timeout) {
    std::size_t packets = 0;
    // A packet that was passed has its place in time among those of the source, which may still hold what came before
    // it: it waits for a later one, or until nothing is left that was captured before it was taken.
    if (taken_.empty() && has_passed_.load(std::memory_order_relaxed)) take_passed();
    if (!taken_.empty()) timeout = Duration::zero();
    waiting_.store(true, std::memory_order_relaxed);
    const auto status = source_.poll(timeout, [&](const Packet& p) {
        if (packets == 0) move_on();
        if (!taken_.empty()) analyse_passed(engine, p.ts);
        engine.packet(p);
        last_packet_ = p.ts;
        ++packets;
    });
    move_on();
    at_end_ = status != capture::SourceStatus::more;
    const std::size_t passed = packets == 0 ? analyse_passed(engine, Timestamp::max()) : 0;
    if (packets + passed != 0) last_packet_seen_ = steady_clock::now();
    return packets;
}

void Worker::apply_options(Engine& engine) {
    std::optional<EngineOptions> options;
    {
        const std::lock_guard lock(mutex_);
        options.swap(new_options_);
        has_options_.store(false, std::memory_order_relaxed);
    }
    if (options) engine.set_options(*options);
}

void Worker::publish(const Engine& engine) {
    published_ = steady_clock::now();
    const EngineStats stats = engine.stats();
    const std::lock_guard lock(mutex_);
    stats_ = stats;
}

}  // namespace smtpscope::agent
