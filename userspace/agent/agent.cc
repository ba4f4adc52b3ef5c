// SPDX-License-Identifier: BSD-3-Clause
#include "agent/agent.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "agent/find_agent.h"
#include "config/differences.h"
#include "config/places.h"
#include "files/type.h"
#include "log/privacy.h"
#include "smtpscope/version.h"

namespace smtpscope::agent {

using log::Level;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr milliseconds longest_tick = 1s;
constexpr milliseconds shortest_tick = 10ms;
constexpr std::uint64_t ticks_between_reports = 10;
/// How long the end may take before the sinks are given up; below systemd's 90 seconds.
constexpr auto patience_at_end = 30s;

/// Blocks them in this thread and all that it starts, so that they arrive through the descriptor alone.
Descriptor open_signals() {
    std::signal(SIGPIPE, SIG_IGN);  // a sink that is gone is an error of that sink
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Descriptor fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) throw std::system_error(errno, std::generic_category(), "signalfd");
    return fd;
}

Descriptor open_timer(milliseconds interval) {
    Descriptor fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) throw std::system_error(errno, std::generic_category(), "timerfd_create");
    itimerspec spec{};
    spec.it_interval.tv_sec = interval.count() / 1000;
    spec.it_interval.tv_nsec = interval.count() % 1000 * 1'000'000;
    spec.it_value = spec.it_interval;
    timerfd_settime(fd.get(), 0, &spec, nullptr);
    return fd;
}

bool has_expired(const Descriptor& timer) {
    std::uint64_t times = 0;
    return read(timer.get(), &times, sizeof times) > 0;
}

milliseconds tick_interval(milliseconds watchdog) {
    return watchdog > 0ms ? std::clamp(watchdog, shortest_tick, longest_tick) : longest_tick;
}

void say(Level level, const std::string& text) {
    log::message(level, text);
}

void warn_of_passing_key(const log::Options& options) {
    if (log::has_passing_key(options))
        say(Level::info,
            "values are hidden by hashes with a key of this start: name a log.privacy.key_file to compare "
            "them with those of the next one");
}

bool contains(const std::vector<capture::Attachment>& all, const capture::Attachment& a) {
    return std::any_of(all.begin(), all.end(), [&](const capture::Attachment& b) {
        return a.ifindex == b.ifindex && a.kind == b.kind && a.means == b.means;
    });
}

/// Whether some do not end with a descriptor, so that it matters whether another process takes over.
bool stays_without_us(const std::vector<capture::Attachment>& attachments) {
    return std::any_of(attachments.begin(), attachments.end(),
                       [](const auto& a) { return a.means == capture::AttachMeans::clsact; });
}

/// A pipe would be waited for, and everything else with it.
void expect_no_pipe(const std::string& file) {
    namespace fs = std::filesystem;
    std::error_code unknown;
    if (fs::is_fifo(file, unknown))
        throw config::Error(file + " is a pipe, which cannot be read again; start the agent with a file.");
}

}  // namespace

config::Config Invocation::load() const {
    config::Config config = config::load(config_path, overrides);
    if (!interfaces.empty()) config.capture.interfaces = interfaces;
    config::expect_usable(config);
    return config;
}

Agent::Agent(Invocation invocation, const capture::OpenCapture& open)
    : invocation_(std::move(invocation)), config_(invocation_.load()), signals_(open_signals()) {
    log::set_level(config_.log.level);
    open_control_socket();  // first: it shows whether another agent is running, before anything is changed
    auto output = std::make_unique<log::Output>(config_.log, log::Delivery::queued);
    policy_ = output->drop_policy();
    writer_ = std::make_unique<Writer>(std::move(output));
    capture_ = open(config_.capture, capture::Inheritance(service_.take_stored()));
    verdicts_ = std::make_unique<Verdicts>(*capture_);
    if (const std::string error = files::type_database_error(); config_.files.enabled && !error.empty())
        say(Level::warning, error);
    Hooks hooks;
    if (config_.extract.enabled)
        extractor_ = std::make_unique<files::Extractor>(config_.extract, files::Extractor::WhenFull::cut_off);
    hooks.content = extractor_.get();
    hooks.owner = [this](const Sender& sender) { return owners_.find(sender); };
    hooks.waiting_memory = std::make_shared<std::atomic<std::uint64_t>>(0);
    start_workers(hooks);
}

Agent::~Agent() = default;

/// Each shard has its part of the limits; the limit of records that wait for their mail is shared.
EngineOptions Agent::worker_options(const config::Config& config) const {
    EngineOptions options = config.engine_options();
    options.policy = policy_;
    const std::size_t shards = capture_->shards();
    options.limits.flows = (options.limits.flows + shards - 1) / shards;
    options.limits.memory = (options.limits.memory + shards - 1) / shards;
    options.limits.fragment_memory = (options.limits.fragment_memory + shards - 1) / shards;
    return options;
}

void Agent::start_workers(const Hooks& hooks) {
    const EngineOptions options = worker_options(config_);
    // Before any of them runs: they pass packets to each other.
    for (unsigned i = 0; i < capture_->shards(); ++i)
        workers_.push_back(std::make_unique<Worker>(capture_->shard(i), writer_->queue(), verdicts_.get()));
    for (unsigned i = 0; i < capture_->shards(); ++i) {
        Hooks own = hooks;
        own.reassembled = [this, i](const Packet& p) {
            const unsigned shard = capture_->shard_of(p);
            if (shard == i) return false;
            workers_[shard]->pass(p);
            return true;
        };
        workers_[i]->start(options, std::move(own));
    }
}

/// False if one of them has not moved since the last call.
bool Agent::all_alive() {
    bool alive = true;
    for (const auto& worker : workers_) alive &= worker->alive();
    return alive;
}

void Agent::open_control_socket() {
    try {
        control_ = std::make_unique<ControlSocket>(config_.control_socket,
                                                   [this](std::string_view request) { return answer(request); });
    } catch (const SocketInUse&) {
        throw;
    } catch (const std::exception& e) {
        say(Level::warning, std::string("no control socket, so `smtpscope status` will not work: ") + e.what());
    }
}

bool Agent::run() {
    announce();
    service_.store(capture_->kept());
    const Descriptor timer = open_timer(tick_interval(service_.watchdog_interval()));
    service_.ready();
    std::vector<pollfd> fds = {
        {signals_.get(), POLLIN, 0}, {timer.get(), POLLIN, 0}, {control_ ? control_->fd() : -1, POLLIN, 0}};
    const std::size_t first_worker = fds.size();
    for (const auto& worker : workers_) fds.push_back({worker->ended_fd(), POLLIN, 0});
    while (!stopping_) {
        if (poll(fds.data(), fds.size(), -1) < 0) continue;
        if (fds[0].revents) handle_signals();
        if (fds[1].revents && has_expired(timer)) tick();
        if (fds[2].revents) control_->serve();
        if (std::any_of(fds.begin() + static_cast<std::ptrdiff_t>(first_worker), fds.end(),
                        [](const pollfd& fd) { return fd.revents != 0; }))
            break;
    }
    return shut_down();
}

void Agent::announce() {
    say(Level::info, "smtpscope " SMTPSCOPE_VERSION ", process " + std::to_string(getpid()));
    warn_of_passing_key(config_.log);
    if (capture_->took_over()) {
        say(Level::info, "the capture of the process before goes on: nothing was missed in between");
        loss_watch_.update(losses(status()));  // its losses have been reported
    }
    if (!capture_->begun_anew().empty())
        say(Level::warning, "the capture of the process before does not go on: " + capture_->begun_anew() +
                                "; what came in between is missing, and counting begins anew");
    attachments_ = capture_->attachments();
    for (const auto& a : attachments_) say(Level::info, "attached to " + describe(a));
    if (!owners_.knows_cgroups())
        say(Level::info,
            "cgroup2 is not mounted here, so records will not name units and containers: mount it on "
            "/sys/fs/cgroup, or on /sys/fs/cgroup/unified beside cgroup1");
}

void Agent::handle_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo != SIGHUP)
            stopping_ = asked_ = true;
        else if (!ending_)
            reload();
    }
}

void Agent::tick() {
    // A worker that is stuck is a dead agent: the service manager may start another one.
    if (all_alive()) service_.alive();
    if (control_) control_->expire();
    follow_interfaces();
    writer_->tell_news();
    if (++ticks_ % ticks_between_reports == 0) report();
}

void Agent::follow_interfaces() {
    try {
        capture_->follow_interfaces();
        follow_error_.clear();
    } catch (const std::exception& e) {
        if (follow_error_ != e.what()) say(Level::warning, e.what());
        follow_error_ = e.what();
    }
    auto now = capture_->attachments();
    for (const auto& a : now) {
        if (!contains(attachments_, a)) say(Level::info, "attached to " + describe(a));
    }
    for (const auto& a : attachments_) {
        if (!contains(now, a)) say(Level::info, "no longer attached to " + describe(a));
    }
    const bool changed = now.size() != attachments_.size() ||
                         !std::all_of(now.begin(), now.end(), [&](const auto& a) { return contains(attachments_, a); });
    attachments_ = std::move(now);
    if (changed) service_.store(capture_->kept());
}

void Agent::report() {
    const Status s = status();
    const std::string grown = loss_watch_.update(losses(s));
    if (!grown.empty()) say(Level::warning, grown);
    tell(s);
}

/// The service manager, in words for people.
void Agent::tell(const Status& s) {
    const std::string refused = in_words(s.refusal);
    service_.status((refused.empty() ? "" : refused + "; ") + std::to_string(s.engine.smtp_records) + " records, " +
                    std::to_string(s.engine.flows_open) + " sessions open");
}

/// The answer for the client that asked for it.
std::string Agent::reload() {
    service_.reloading();
    std::string answer;
    try {
        expect_no_pipe(invocation_.file());
        const config::Config wanted = invocation_.load();
        const auto differences = config::differences(config_, wanted);
        apply(wanted);
        needs_restart_.clear();
        for (const config::Difference& d : differences)
            if (config::needs_restart(d.key)) needs_restart_.push_back(d.key);
        ++reloads_;
        loaded_ = std::chrono::system_clock::now();
        refusal_ = {};
        answer = to_text(wanted.origin, differences);
        say(Level::info, "reloaded; " + answer.substr(0, answer.find('\n')));
        for (const std::string& key : needs_restart_)
            say(Level::warning, key + " cannot change while the agent runs; restart it for the new value");
    } catch (const std::exception& e) {
        refusal_ = {e.what(), std::chrono::system_clock::now()};
        const std::string refused = "the configuration stays as it was: " + refusal_.why;
        answer = error_answer(refused);
        say(Level::error, refused);
    }
    service_.ready();
    tell(status());
    return answer;
}

void Agent::apply(const config::Config& wanted) {
    // What may fail comes first: either everything is applied or nothing.
    const auto written = [](log::Options options) {
        options.level = {};
        return options;
    };
    if (written(wanted.log) != written(config_.log)) {
        auto output = std::make_unique<log::Output>(wanted.log, log::Delivery::queued);
        policy_ = output->drop_policy();
        writer_->replace(std::move(output));
        warn_of_passing_key(wanted.log);
    } else {
        writer_->reopen();
    }
    config_ = config::merged(config_, wanted);
    log::set_level(config_.log.level);
    for (const auto& worker : workers_) worker->set_options(worker_options(config_));
}

bool Agent::shut_down() {
    const auto deadline = steady_clock::now() + patience_at_end;
    service_.stopping();
    ending_ = true;
    stopping_ = false;  // from here on it means a second signal
    writer_->hurry(deadline);
    const std::string failure = stop_workers(deadline);
    Status s = status();
    if (stays_without_us(s.attachments) && ServiceManager::is_restarting()) capture_->hand_over();
    capture_.reset();  // detached, however long the sinks take
    writer_->close();
    if (!wait_for(writer_->ended_fd(), deadline)) abandon();
    s.queue = writer_->queue().stats();
    s.sinks = writer_->sinks();
    if (!failure.empty()) say(Level::error, failure);
    const std::string grown = loss_watch_.update(losses(s));
    if (!grown.empty()) say(Level::warning, grown);
    say(Level::info, "stopped after " + std::to_string(s.engine.smtp_records) + " records");
    return failure.empty();
}

/// The error of the first one that failed; empty if none has.
std::string Agent::stop_workers(steady_clock::time_point deadline) {
    std::string failure;
    for (const auto& worker : workers_) worker->stop();
    for (const auto& worker : workers_)
        if (!wait_for(worker->ended_fd(), deadline)) abandon();
    for (const auto& worker : workers_)
        if (const std::string why = worker->join(); failure.empty()) failure = why;
    return failure;
}

bool Agent::wait_for(int fd, steady_clock::time_point deadline) {
    while (!stopping_) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (left <= 0ms) return false;
        pollfd fds[] = {{signals_.get(), POLLIN, 0}, {fd, POLLIN, 0}};
        if (poll(fds, std::size(fds), static_cast<int>(left.count())) < 0) continue;
        if (fds[1].revents) return true;
        if (fds[0].revents) handle_signals();
    }
    return false;
}

void Agent::abandon() {
    std::string unwritten = std::to_string(writer_->queue().stats().pending) + " before the sinks";
    for (const log::SinkStatus& s : writer_->sinks())
        if (s.waiting != 0) unwritten += ", " + std::to_string(s.waiting) + " before " + s.name;
    say(Level::error,
        std::string(stopping_ ? "a second signal ended it" : "gave up") + ", with records unwritten: " + unwritten);
    control_.reset();
    // Threads that are stuck cannot be joined; the kernel detaches what is attached by links.
    _exit(asked_ ? 0 : 1);
}

std::string Agent::answer(std::string_view request) {
    if (request.empty() || request == "status" || request == "status json") return to_json(status());
    if (request == "status text") return to_text(status());
    if (request == "configuration") return configuration_answer(invocation_.file(), refusal_);
    if (request == "reload") return reload();
    using Form = std::string (*)(const FlowList&);
    const std::pair<std::string_view, Form> forms[] = {
        {"flows json ", to_json}, {"flows text ", to_text}, {"flows lines ", to_lines}};
    for (const auto& [words, form] : forms)
        if (request.starts_with(words)) return answer_flows(request.substr(words.size()), form);
    return error_answer(
        "unknown request; known: status json, status text, configuration, reload, and flows json, flows text and "
        "flows lines with a number");
}

std::string Agent::answer_flows(std::string_view number, std::string (*form)(const FlowList&)) {
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
    if (error != std::errc() || end != number.data() + number.size() || limit > max_flows_listed)
        return error_answer("of flows, a number up to " + std::to_string(max_flows_listed) + " is wanted");
    try {
        return form(flows(limit));
    } catch (const std::exception& e) {
        return error_answer(e.what());
    }
}

FlowList Agent::flows(std::size_t limit) {
    FlowList list;
    list.now = std::chrono::system_clock::now();
    std::vector<FlowSummary> all;
    for (const auto& worker : workers_) {
        merge(all, worker->flows(limit), limit);
        const EngineStats stats = worker->stats();
        list.open += stats.flows_open;
        list.records += stats.smtp_records;
    }
    for (FlowSummary& flow : all) {
        const auto kernel = capture_->flow(flow.id);
        list.rows.push_back({std::move(flow), kernel});
    }
    const auto counters = capture_->counters();
    list.seen = value_of(counters, "seen");
    list.delivered = value_of(counters, "delivered");
    list.ignored = value_of(counters, "ignored");
    list.lost = value_of(counters, "lost");
    for (const capture::RingLevel& ring : capture_->ring_levels()) {
        list.ring_used += ring.used;
        list.ring_size += ring.size;
    }
    return list;
}

Status Agent::status() const {
    Status s;
    s.version = SMTPSCOPE_VERSION;
    s.pid = static_cast<std::uint64_t>(getpid());
    s.uptime = steady_clock::now() - started_;
    s.config = config_.origin;
    s.config_loaded = loaded_;
    s.reloads = reloads_;
    s.refusal = refusal_;
    s.needs_restart = needs_restart_;
    if (capture_) {
        s.attachments = capture_->attachments();
        s.kernel = capture_->counters();
        s.interfaces = capture_->interface_counters();
        s.rings = capture_->ring_levels();
    }
    for (const auto& worker : workers_) {
        s.engine += worker->stats();
        s.passed_dropped += worker->passed_dropped();
    }
    s.cgroups = owners_.stats();
    s.queue = writer_->queue().stats();
    s.sinks = writer_->sinks();
    s.dropped_by_policy = writer_->dropped_by_policy();
    if (extractor_) s.extraction = extractor_->stats();
    s.resident_bytes = resident_bytes();
    return s;
}

}  // namespace smtpscope::agent
