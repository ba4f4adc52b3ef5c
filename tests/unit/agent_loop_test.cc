// SPDX-License-Identifier: BSD-3-Clause
// The agent's loop with a capture made of tables: packets in, records out; signals, reload, the timer, losses.
#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <boost/log/core.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_ostream_backend.hpp>
#include <boost/smart_ptr/make_shared.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "agent/agent.h"
#include "catch.h"
#include "support_folder.h"
#include "support_talk.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using namespace smtpscope::test;
using namespace std::chrono_literals;
using smtpscope::test::Folder;
namespace fs = std::filesystem;
namespace sinks = boost::log::sinks;

namespace {

struct Frame {
    Buffer bytes;
    Timestamp ts;
};
using Frames = std::vector<Frame>;

/// Each shard's source: hands out what it has been given.
class TableSource final : public capture::Source {
  public:
    void give(const Frames& frames) {
        const std::lock_guard lock(mutex_);
        frames_.insert(frames_.end(), frames.begin(), frames.end());
        changed_.notify_one();
    }
    void break_off(const std::string& why) {
        const std::lock_guard lock(mutex_);
        broken_ = why;
        changed_.notify_one();
    }
    capture::SourceStatus poll(Duration timeout, const capture::PacketHandler& handler) override {
        Frames frames;
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, timeout, [&] { return woken_ || !broken_.empty() || !frames_.empty(); });
            // What it was woken for came before the frames that are given from now on.
            if (std::exchange(woken_, false) && timeout > Duration::zero()) return capture::SourceStatus::more;
            if (!broken_.empty()) throw capture::Error(broken_);
            frames.swap(frames_);
        }
        for (const Frame& frame : frames) {
            Packet p = packet(frame.bytes, LinkType::raw_ip);
            p.ts = frame.ts;
            handler(p);
        }
        return capture::SourceStatus::more;
    }
    void wake() override {
        const std::lock_guard lock(mutex_);
        woken_ = true;
        changed_.notify_one();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Frames frames_;
    std::string broken_;
    bool woken_ = false;
};

/// What the capture is made of and what it was told, beyond its own life.
struct Stage {
    explicit Stage(unsigned shards = 1) : sources(shards) {}

    std::deque<TableSource> sources;
    bool took_over = false;
    unsigned whole_packets_belong_to = 0;  ///< the shard
    std::atomic<bool> open{false};
    std::atomic<int> looks{0};  ///< at the interfaces: one a tick

    std::mutex mutex;  ///< guards what follows
    std::vector<capture::Counter> counters;
    std::vector<capture::Attachment> attachments;
    std::string trouble;  ///< with the interfaces
    std::vector<ConnId> ignored, forgotten;

    template <class Change>
    auto with(Change change) {
        const std::lock_guard lock(mutex);
        return change(*this);
    }
};

class StagedCapture final : public capture::Capture {
  public:
    explicit StagedCapture(Stage& stage) : stage_(stage) { stage_.open = true; }
    ~StagedCapture() override { stage_.open = false; }

    unsigned shards() const override { return static_cast<unsigned>(stage_.sources.size()); }
    capture::Source& shard(unsigned number) override { return stage_.sources.at(number); }
    unsigned shard_of(const Packet&) const override { return stage_.whole_packets_belong_to; }
    bool took_over() const override { return stage_.took_over; }
    const std::string& begun_anew() const override { return none_; }
    std::vector<capture::Kept> kept() const override { return {}; }
    void hand_over() override {}
    void set_verdict(const ConnId& id, Verdict orig, Verdict) override {
        stage_.with([&](Stage& s) {
            if (orig == Verdict::ignore) s.ignored.push_back(id);
        });
    }
    void forget(const ConnId& id) override {
        stage_.with([&](Stage& s) { s.forgotten.push_back(id); });
    }
    std::optional<capture::FlowCounters> flow(const ConnId&) const override { return std::nullopt; }
    std::vector<capture::Counter> counters() const override {
        return stage_.with([](Stage& s) { return s.counters; });
    }
    std::vector<capture::InterfaceCounters> interface_counters() const override { return {}; }
    std::vector<capture::RingLevel> ring_levels() const override { return {}; }
    std::vector<capture::Attachment> attachments() const override {
        return stage_.with([](Stage& s) { return s.attachments; });
    }
    void follow_interfaces() override {
        ++stage_.looks;
        if (const std::string why = stage_.with([](Stage& s) { return s.trouble; }); !why.empty())
            throw capture::Error(why);
    }

  private:
    Stage& stage_;
    const std::string none_;
};

/// All that is said while it lives.
class Messages {
  public:
    Messages() {
        sink_->locked_backend()->add_stream(text_);
        boost::log::core::get()->add_sink(sink_);
    }
    ~Messages() { boost::log::core::get()->remove_sink(sink_); }
    Messages(const Messages&) = delete;
    Messages& operator=(const Messages&) = delete;

    std::string text() const {
        const auto lock = sink_->locked_backend();
        return text_->str();
    }
    bool have(const std::string& part) const { return text().find(part) != std::string::npos; }
    std::size_t count(const std::string& part) const {
        const std::string all = text();
        std::size_t n = 0;
        for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++n;
        return n;
    }

  private:
    using Sink = sinks::synchronous_sink<sinks::text_ostream_backend>;
    boost::shared_ptr<std::ostringstream> text_ = boost::make_shared<std::ostringstream>();
    boost::shared_ptr<Sink> sink_ = boost::make_shared<Sink>();
};

/// An agent with its loop in a thread of its own, which takes the signals. Its files are in a folder.
class Running {
  public:
    explicit Running(Stage& stage, const std::string& more_configuration = {}) {
        configure(more_configuration);
        std::promise<void> begun;
        thread_ = std::thread([&] {
            try {
                Agent agent({configuration(), {}, {}}, [&](const capture::Options&, const capture::Inheritance&) {
                    return std::make_unique<StagedCapture>(stage);
                });
                begun.set_value();
                well_ = agent.run();
            } catch (...) {
                begun.set_exception(std::current_exception());
            }
        });
        begun.get_future().get();
    }
    ~Running() {
        if (thread_.joinable()) stop();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    /// Writes the configuration, which a reload reads. Warnings are heard by Messages whatever the level.
    void configure(const std::string& more, const std::string& logs = "") const {
        std::ofstream(configuration()) << "control: {socket: " + socket() +
                                              "}\nlog: {level: error, sinks: [{type: file, " +
                                              "format: json, directory: " + folder_.path + logs + "}]}\n" + more;
    }
    std::string configuration() const { return folder_.path + "/smtpscope.yaml"; }
    std::string socket() const { return folder_.path + "/control.sock"; }
    std::string folder() const { return folder_.path; }
    std::string answer(const std::string& request) const { return ask(socket(), request, 60s); }
    bool status_has(const std::string& part) const { return answer("status json").find(part) != std::string::npos; }
    std::string records(const std::string& logs = "") const {
        std::ifstream file(folder_.path + logs + "/smtp.log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool recorded(const std::string& part, const std::string& logs = "") const {
        return records(logs).find(part) != std::string::npos;
    }
    void signal(int number) { pthread_kill(thread_.native_handle(), number); }
    /// What run() returned.
    bool wait() {
        thread_.join();
        return well_;
    }
    bool stop() {
        signal(SIGTERM);
        return wait();
    }

  private:
    const Folder folder_;
    bool well_ = false;
    std::thread thread_;
};

Frames frames(const std::vector<Sent>& sent) {
    Frames all;
    for (const Sent& s : sent) all.push_back({ip_packet(s), at(s.at)});
    return all;
}

/// A session with a mail of this subject.
Frames mail_frames(const std::string& subject, const Wire& wire = {}) {
    return frames(segments(hello() + mail(subject), wire));
}

/// Intervals of this process's timers, in milliseconds.
std::vector<long> timer_intervals() {
    std::vector<long> all;
    for (const auto& entry : fs::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) {
            long seconds = 0, nanoseconds = 0;
            if (std::sscanf(line.c_str(), "it_interval: (%ld, %ld)", &seconds, &nanoseconds) == 2)
                all.push_back(seconds * 1000 + nanoseconds / 1'000'000);
        }
    }
    return all;
}

/// $WATCHDOG_USEC, from which the timer's interval follows.
struct Watchdog {
    explicit Watchdog(const char* microseconds) { setenv("WATCHDOG_USEC", microseconds, 1); }
    ~Watchdog() { unsetenv("WATCHDOG_USEC"); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
};
constexpr const char* shortest_interval = "20000";

}  // namespace

TEST_CASE("agent: packets of every shard become records, and connections that are over are forgotten", "[loop]") {
    Stage stage(2);
    Running agent(stage);
    CHECK(stage.open);
    stage.sources[0].give(mail_frames("first"));
    CHECK(eventually([&] { return agent.recorded(R"("subject":"first")"); }));
    stage.sources[1].give(mail_frames("second"));
    CHECK(eventually([&] { return agent.recorded(R"("subject":"second")"); }));
    CHECK(agent.status_has(R"("smtp_records":2)"));
    CHECK(agent.stop());
    CHECK_FALSE(stage.open);
    CHECK(stage.forgotten == std::vector<ConnId>{mail_id(), mail_id()});
    CHECK(stage.ignored.empty());
}

TEST_CASE("agent: the verdict on a session that goes over to TLS reaches the capture", "[loop]") {
    Stage stage;
    Running agent(stage);
    stage.sources[0].give(frames(segments(hello() + Script{C("STARTTLS"), S("220 ready"), raw(Side::orig, "no TLS")})));
    CHECK(agent.stop());
    CHECK(stage.ignored == std::vector<ConnId>{mail_id()});
}

TEST_CASE("agent: a packet put together in one shard goes to the one that its connection belongs to", "[loop]") {
    const Frames all = mail_frames("in pieces");
    const auto content = std::find_if(all.begin(), all.end(), [](const Frame& f) {
        return std::string(f.bytes.begin(), f.bytes.end()).find("Subject") != std::string::npos;
    });
    REQUIRE(content != all.end());
    const std::size_t octets = content->bytes.size() - 20;
    const Frames pieces = {{fragment(content->bytes, {0, 24, true}, 20), content->ts},
                           {fragment(content->bytes, {24, octets, false}, 20), content->ts}};
    Stage stage(2);
    stage.whole_packets_belong_to = 1;
    Running agent(stage);
    const auto seen = [&](std::size_t packets) {
        return eventually([&] { return agent.status_has(R"("engine":{"packets":)" + std::to_string(packets) + ","); });
    };
    const auto before = static_cast<std::size_t>(content - all.begin());
    stage.sources[1].give({all.begin(), content});
    CHECK(seen(before));
    stage.sources[0].give(pieces);
    CHECK(seen(before + 3));
    stage.sources[1].give({content + 1, all.end()});
    CHECK(eventually([&] { return agent.recorded(R"("subject":"in pieces")"); }));
    CHECK(agent.status_has(R"("gaps":0)"));
    CHECK(agent.stop());
}

TEST_CASE("agent: at its end it reads what is left and says what was under way", "[loop]") {
    for (const int number : {SIGTERM, SIGINT}) {
        Stage stage;
        Running agent(stage);
        Frames cut = mail_frames("cut");
        cut.resize(cut.size() - 6);
        stage.sources[0].give(cut);
        agent.signal(number);
        CHECK(agent.wait());
        CHECK(agent.recorded(R"("mailfrom":"a@cut")"));
        CHECK(agent.recorded(R"("incomplete":"shutdown")"));
        CHECK(stage.forgotten.empty());
        CHECK_FALSE(fs::exists(agent.socket()));
    }
}

TEST_CASE("agent: a source that breaks ends it, and it says why", "[loop]") {
    Stage stage(2);
    const Messages messages;
    Running agent(stage);
    stage.sources[0].give(mail_frames("before"));
    CHECK(eventually([&] { return agent.recorded("before"); }));
    stage.sources[1].break_off("the ring is gone");
    CHECK_FALSE(agent.wait());
    CHECK(messages.have("the ring is gone"));
    CHECK(messages.have("stopped after 1 records"));
}

TEST_CASE("agent: a reload applies all or nothing, by the socket and by SIGHUP", "[loop]") {
    Stage stage;
    const Messages messages;
    Running agent(stage);
    stage.sources[0].give(mail_frames("one"));
    CHECK(eventually([&] { return agent.recorded("one"); }));
    CHECK(agent.recorded(R"("direction":)"));

    // At once: another place for records, other options of the analysis. Not at once: the ports.
    fs::create_directory(agent.folder() + "/other");
    agent.configure("analyzer: {extra_fields: []}\ncapture: {ports: [2525]}\n", "/other");
    const std::string answer = agent.answer("reload");
    CHECK(answer.find("analyzer.extra_fields has changed\n") != std::string::npos);
    CHECK(answer.find("capture.ports: [25, 587] -> [2525], after a restart\n") != std::string::npos);
    CHECK(messages.have("capture.ports cannot change while the agent runs"));
    stage.sources[0].give(mail_frames("two"));
    CHECK(eventually([&] { return agent.recorded("two", "/other"); }));
    CHECK_FALSE(agent.recorded("two"));
    CHECK_FALSE(agent.recorded(R"("direction":)", "/other"));
    CHECK(agent.status_has(R"("reloads":1,"reload_error":"")"));
    CHECK(agent.status_has(R"("needs_restart":["capture.ports"])"));

    const std::string refused = "the configuration stays as it was: " + agent.configuration();
    agent.configure("limits: {flow: 3}\n");
    CHECK_THROWS_WITH(agent.answer("reload"),
                      refused + ":3:10: there is no key limits.flow; the nearest is limits.flows.");
    agent.configure("analyzer: {}\n", "/nowhere");
    CHECK_THROWS(agent.answer("reload"));
    const std::string configuration = agent.configuration();
    fs::remove(configuration);
    REQUIRE(::mkfifo(configuration.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(agent.answer("reload"),
                      refused + " is a pipe, which cannot be read again; start the agent with a file.");
    fs::remove(configuration);
    stage.sources[0].give(mail_frames("three"));
    CHECK(eventually([&] { return agent.recorded("three", "/other"); }));
    CHECK_FALSE(agent.recorded(R"("direction":)", "/other"));
    CHECK(agent.status_has(R"("reloads":1,"reload_error":"/)"));

    // A file that was moved away stays as it is.
    agent.configure("analyzer: {extra_fields: []}\n", "/other");
    fs::rename(agent.folder() + "/other/smtp.log", agent.folder() + "/other/smtp.1.log");
    agent.signal(SIGHUP);
    CHECK(eventually([&] { return agent.status_has(R"("reloads":2,"reload_error":"")"); }));
    stage.sources[0].give(mail_frames("four"));
    CHECK(eventually([&] { return agent.recorded("four", "/other"); }));
    CHECK_FALSE(agent.recorded("three", "/other"));
    CHECK(agent.stop());
}

TEST_CASE("agent: its timer is as fast as the watchdog needs, and no faster", "[loop]") {
    const struct {
        const char* watchdog;  ///< in microseconds
        long interval;         ///< in milliseconds
    } rows[] = {{nullptr, 1000}, {"30000000", 1000}, {"500000", 250}, {"4000", 10}};
    for (const auto& row : rows) {
        INFO(row.interval);
        std::optional<Watchdog> watchdog;
        if (row.watchdog) watchdog.emplace(row.watchdog);
        Stage stage;
        Running agent(stage);
        CHECK(eventually([&] { return timer_intervals() == std::vector<long>{row.interval}; }));
        CHECK(agent.stop());
    }
}

TEST_CASE("agent: losses are said once each time they grow, those of the process before never", "[loop]") {
    const Watchdog watchdog(shortest_interval);
    Stage stage;
    stage.took_over = true;
    stage.counters = {{"seen", 100}, {"lost_ring_full", 4}};
    const auto lose = [&](std::uint64_t all) { stage.with([&](Stage& s) { s.counters[1].value = all; }); };
    const Messages messages;
    Running agent(stage);
    const auto some_reports = [&] {
        const int before = stage.looks;
        return eventually([&] { return stage.looks > before + 25; });
    };
    CHECK(some_reports());
    CHECK(messages.count("lost: ") == 0);
    lose(7);
    CHECK(eventually([&] { return messages.have("lost: 3 packets lost_ring_full (7 in all)"); }));
    CHECK(some_reports());
    CHECK(messages.count("lost: ") == 1);
    lose(9);
    CHECK(agent.stop());  // whose words are the last chance
    CHECK(messages.have("lost: 2 packets lost_ring_full (9 in all)"));
}

TEST_CASE("agent: says which interfaces come and go, and of trouble once", "[loop]") {
    const Watchdog watchdog(shortest_interval);
    Stage stage;
    const capture::Attachment one{"eth0", 2, capture::AttachKind::xdp_native, capture::AttachMeans::link, {}, {}};
    const capture::Attachment other{"eth1", 3, capture::AttachKind::tc_ingress, capture::AttachMeans::tcx, {}, {}};
    stage.attachments = {one};
    const Messages messages;
    Running agent(stage);
    CHECK(eventually([&] { return messages.have("attached to eth0"); }));
    stage.with([&](Stage& s) {
        s.attachments = {other};
        s.trouble = "eth2: no room";
    });
    CHECK(eventually([&] { return messages.have("no longer attached to eth0"); }));
    CHECK(messages.have("attached to eth1"));
    const int before = stage.looks;
    CHECK(eventually([&] { return stage.looks > before + 5; }));
    CHECK(messages.count("eth2: no room") == 1);
    CHECK(agent.stop());
    CHECK(messages.count("attached to ") == 3);
}
