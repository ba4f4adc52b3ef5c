// SPDX-License-Identifier: BSD-3-Clause
// One shard: a thread that takes packets from a source through an engine. The engine belongs to that thread alone.
#pragma once

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/event.h"
#include "capture/source.h"
#include "smtpscope/engine.h"

namespace smtpscope::agent {

class Worker {
  public:
    /// Source, sink and control outlive the worker; `control` may be nullptr.
    Worker(capture::Source& source, RecordSink& sink, FlowControl* control);
    /// stop() and join.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// To be called once. What `hooks` refer to outlives the worker.
    void start(const EngineOptions& options, Hooks hooks = {});
    /// A packet that came in another worker's ring and belongs to this one. Thread-safe. Beyond max_passed_bytes of
    /// waiting ones it is dropped and counted.
    void pass(const Packet& packet);
    std::uint64_t passed_dropped() const { return passed_dropped_.load(std::memory_order_relaxed); }

    /// Asks the worker to analyse what has been captured so far, to end every session and to return.
    void stop();
    /// Readable once the thread has ended, because it was asked to or because the source failed or ended.
    int ended_fd() const { return ended_.get(); }
    /// Waits for the end; then why it came: empty if all is well, else the error of the source.
    std::string join();

    /// Takes effect between two packets.
    void set_options(const EngineOptions& options);
    /// As of at most a tenth of a second ago.
    EngineStats stats() const;
    /// The connections that had a packet last, the latest first; at most `limit`. Throws std::runtime_error if the
    /// thread has left or does not answer in time.
    std::vector<FlowSummary> flows(std::size_t limit);
    /// False if the thread has not moved since the last call, although it does not wait for packets. For one caller.
    bool alive();

  private:
    struct Passed {
        Packet packet;
        std::vector<std::uint8_t> data;
    };
    struct FlowsWanted {
        std::size_t limit;
        std::promise<std::vector<FlowSummary>> answer;
    };
    static constexpr std::size_t max_passed_bytes = std::size_t{16} << 20;

    void run(const EngineOptions& options, const Hooks& hooks);
    void take_passed();
    std::size_t analyse_passed(Engine& engine, Timestamp before);
    void analyse(Engine& engine);
    void move_on();
    void drain(Engine& engine);
    std::size_t turn(Engine& engine, Duration timeout);
    void apply_options(Engine& engine);
    void answer_flows(const Engine& engine);
    void publish(const Engine& engine);

    capture::Source& source_;
    RecordSink& sink_;
    FlowControl* control_;
    Descriptor ended_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> turns_{0};
    std::uint64_t turns_seen_ = 0;      ///< by alive()
    std::atomic<bool> waiting_{false};  ///< for packets, and none has come
    std::atomic<bool> has_options_{false};
    std::atomic<bool> has_passed_{false};
    std::atomic<bool> has_flows_wanted_{false};
    std::atomic<std::uint64_t> passed_dropped_{0};
    mutable std::mutex mutex_;
    std::vector<Passed> passed_;
    std::size_t passed_bytes_ = 0;
    std::optional<EngineOptions> new_options_;
    std::optional<FlowsWanted> flows_wanted_;
    EngineStats stats_;
    std::string failure_;

    // Of the thread alone. Time without packets is measured from the last packet on by a monotonic clock, so that a
    // step of the system's clock never ends sessions.
    bool at_end_ = false;
    std::vector<Passed> taken_;  ///< packets that were passed, from next_taken_ on still to be analysed
    std::size_t next_taken_ = 0;
    std::optional<Timestamp> last_packet_;
    std::chrono::steady_clock::time_point last_packet_seen_{};
    std::chrono::steady_clock::time_point published_{};

    std::thread thread_;
};

}  // namespace smtpscope::agent
