// SPDX-License-Identifier: BSD-3-Clause
// The worker with a source made of a script, and the writer with a real file.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>

#include "agent/service_manager.h"
#include "agent/worker.h"
#include "agent/writer.h"
#include "catch.h"
#include "smtpscope/policy.h"
#include "support_folder.h"
#include "support_talk.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using namespace smtpscope::test;
using namespace std::chrono_literals;
using smtpscope::test::Folder;
namespace fs = std::filesystem;

namespace {

/// Calls `next` for each poll; waits a little when that has nothing.
class ScriptedSource final : public capture::Source {
  public:
    std::function<capture::SourceStatus(const capture::PacketHandler&)> next;
    std::function<void(Duration timeout)> waits;  ///< called at each poll
    std::atomic<int> polls{0}, wakes{0};

    capture::SourceStatus poll(Duration timeout, const capture::PacketHandler& handler) override {
        ++polls;
        if (waits) waits(timeout);
        if (next) return next(handler);
        std::this_thread::sleep_for(std::min<Duration>(timeout, 1ms));
        return capture::SourceStatus::more;
    }
    void wake() override { ++wakes; }
};

class CountingSink final : public RecordSink {
  public:
    int smtp_records = 0;
    void smtp(const Info&) override { ++smtp_records; }
    void weird(const Weird&) override {}
    void file(const FileInfo&) override {}
    void ssl(const SslInfo&) override {}
    void notice(const Notice&) override {}
    void software(const Software&) override {}
};

bool is_readable(int fd, int milliseconds) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

std::unique_ptr<log::Output> file_output(const std::string& folder) {
    log::SinkOptions sink;
    sink.type = log::SinkType::file;
    sink.directory = folder;
    log::Options options;
    options.sinks = {sink};
    return std::make_unique<log::Output>(options);
}

Info info(const std::string& subject) {
    Info rec;
    rec.uid = "C1";
    rec.subject = subject;
    return rec;
}

std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("worker: reads what is left when it is stopped, and says that it has ended") {
    ScriptedSource source;
    std::atomic<int> left{3};
    const std::uint8_t frame[14] = {};
    source.next = [&](const capture::PacketHandler& handler) {
        if (left > 0) {
            --left;
            Packet p;
            p.data = frame;
            handler(p);
        }
        return capture::SourceStatus::more;
    };
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    worker.start({});
    worker.stop();
    CHECK(is_readable(worker.ended_fd(), 60000));
    CHECK(worker.join().empty());
    CHECK(left == 0);
    CHECK(worker.stats().packets == 3);
}

TEST_CASE("worker: an error of the source ends it, and is kept") {
    ScriptedSource source;
    source.next = [](const capture::PacketHandler&) -> capture::SourceStatus {
        throw capture::Error("the ring is gone");
    };
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    worker.start({});
    CHECK(is_readable(worker.ended_fd(), 60000));
    CHECK(worker.join() == "the ring is gone");
}

TEST_CASE("worker: the end of the source ends it") {
    ScriptedSource source;
    source.next = [](const capture::PacketHandler&) { return capture::SourceStatus::end; };
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    worker.start({});
    CHECK(is_readable(worker.ended_fd(), 60000));
    CHECK(worker.join().empty());
}

TEST_CASE("worker: turns go on while nothing comes, and options are taken in between") {
    ScriptedSource source;
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    worker.start({});
    const int before = source.polls;
    for (int i = 0; i < 50; ++i) worker.set_options({});
    CHECK(source.wakes == 50);
    CHECK(eventually([&] { return source.polls > before + 5; }));
    CHECK_FALSE(is_readable(worker.ended_fd(), 0));
}

TEST_CASE("worker: it looks at the clock only as long as there is a session") {
    Wire open;
    open.end = false;
    const std::vector<Sent> all = segments(hello() + mail("timed"), open);
    ScriptedSource source;
    std::atomic<Duration> asked{};
    std::atomic<bool> go{false};
    std::size_t next = 0;
    source.waits = [&](Duration timeout) { asked = timeout; };
    source.next = [&](const capture::PacketHandler& handler) {
        for (; go && next < all.size(); ++next) {
            const Buffer frame = ip_packet(all[next]);
            Packet p = packet(frame, LinkType::raw_ip);
            p.ts = at(all[next].at);
            handler(p);
        }
        std::this_thread::sleep_for(1ms);
        return capture::SourceStatus::more;
    };
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    EngineOptions options;
    options.limits.idle_timeout = 50ms;
    worker.start(options);
    CHECK(eventually([&] { return asked.load() > 1min; }));
    go = true;
    CHECK(eventually([&] { return asked.load() == 100ms; }));
    CHECK(eventually([&] { return asked.load() > 1min; }));
    CHECK(worker.stats().flows_open == 0);
    CHECK(worker.stats().flows_opened == 1);
}

TEST_CASE("worker: it is alive while it waits and while it moves, not while it is stuck in a packet") {
    struct StuckSink final : RecordSink {
        std::promise<void> stuck, end;
        void smtp(const Info&) override {
            stuck.set_value();
            end.get_future().wait();
        }
        void weird(const Weird&) override {}
        void file(const FileInfo&) override {}
        void ssl(const SslInfo&) override {}
        void notice(const Notice&) override {}
        void software(const Software&) override {}
    } sink;
    const std::vector<Sent> all = segments(hello() + mail("stuck"));
    ScriptedSource source;
    std::promise<void> comes;
    std::future<void> packets_come = comes.get_future();
    source.next = [&](const capture::PacketHandler& handler) {
        packets_come.wait();
        for (const Sent& s : all) {
            const Buffer frame = ip_packet(s);
            Packet p = packet(frame, LinkType::raw_ip);
            p.ts = at(s.at);
            handler(p);
        }
        return capture::SourceStatus::end;
    };
    Worker worker(source, sink, nullptr);
    worker.start({});
    CHECK(eventually([&] { return source.polls == 1; }));
    for (int i = 0; i < 3; ++i) CHECK(worker.alive());
    comes.set_value();
    sink.stuck.get_future().wait();
    CHECK(worker.alive());  // it has moved
    for (int i = 0; i < 3; ++i) CHECK_FALSE(worker.alive());
    sink.end.set_value();
    CHECK(is_readable(worker.ended_fd(), 2000));
    CHECK(worker.alive());
}

TEST_CASE("worker: a packet from another shard has its place among those of its own") {
    std::vector<Sent> all = segments(hello() + mail("split"));
    all.insert(all.begin(), all.front());  // the SYN of another connection
    ConnId other = mail_id();
    ++other.orig_p;
    std::vector<Buffer> frames;
    std::vector<Packet> packets;
    frames.reserve(all.size());
    packets.reserve(all.size());
    for (const Sent& s : all) frames.push_back(ip_packet(s, frames.empty() ? other : mail_id()));
    for (std::size_t i = 0; i < all.size(); ++i) {
        packets.push_back(packet(frames[i], LinkType::raw_ip));
        packets.back().ts = at(all[i].at);
    }
    const auto content =
        std::find_if(all.begin(), all.end(), [](const Sent& s) { return contains(s.payload, "Subject"); });
    const auto passed = static_cast<std::size_t>(content - all.begin());
    REQUIRE(passed < all.size());
    // The source tells of all others, so many at a time; what was passed was captured before some of them are told.
    for (const std::size_t at_a_time : {std::size_t{1}, std::size_t{3}, all.size()}) {
        INFO(at_a_time);
        ScriptedSource source;
        Recorder out;
        std::size_t next = 0;
        source.next = [&](const capture::PacketHandler& handler) {
            for (std::size_t n = 0; n < at_a_time && next < all.size(); ++n, ++next)
                if (next != passed) handler(packets[next]);
            return next == all.size() && source.polls > 100 ? capture::SourceStatus::end : capture::SourceStatus::more;
        };
        Worker worker(source, out, nullptr);
        worker.pass(packets[passed]);
        worker.start({});
        CHECK(is_readable(worker.ended_fd(), 60000));
        CHECK(worker.join().empty());
        CHECK(worker.stats().flows_opened == 2);
        CHECK(worker.stats().gaps == 0);
        REQUIRE(out.records.size() == 1);
        CHECK(out.records[0].helo == "c");
        CHECK(out.records[0].subject == "split");
    }
}

TEST_CASE("worker: tells of its sessions while it works, and that it cannot") {
    ScriptedSource source;
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    CHECK_THROWS_WITH(worker.flows(10), "the worker that knows the sessions is too busy to tell of them; ask again");
    worker.start({});
    CHECK(worker.flows(10).empty());
    CHECK(source.wakes == 2);
    CHECK(worker.flows(10).empty());
}

TEST_CASE("writer: records reach the file at once, and those of a moved file stay there") {
    const Folder folder;
    const std::string path = folder.path + "/smtp.log";
    Writer writer(file_output(folder.path));
    writer.queue().smtp(info("first"));
    CHECK(eventually([&] { return contains(content(path), "first"); }));
    fs::rename(path, path + ".1");
    writer.reopen();
    writer.queue().smtp(info("second"));
    CHECK(eventually([&] { return contains(content(path), "second"); }));
    CHECK_FALSE(contains(content(path + ".1"), "second"));
    REQUIRE(writer.sinks().size() == 1);
    CHECK(writer.sinks()[0].written == 2);
}

TEST_CASE("writer: records that come after a replacement go to the new sinks") {
    const Folder one;
    const Folder other;
    Writer writer(file_output(one.path));
    for (int i = 0; i < 100; ++i) writer.queue().smtp(info("before"));
    writer.replace(file_output(other.path));
    writer.queue().smtp(info("after"));
    writer.close();
    CHECK(is_readable(writer.ended_fd(), 60000));
    CHECK(contains(content(other.path + "/smtp.log"), "after"));
    CHECK_FALSE(contains(content(one.path + "/smtp.log"), "after"));
}

TEST_CASE("writer: no count of a sink falls when others take their place") {
    const Folder one;
    const Folder other;
    Writer writer(file_output(one.path));
    std::uint64_t last = 0;
    // The total that is written, asked for all the time.
    const auto written = [&] {
        std::uint64_t sum = 0;
        for (const log::SinkStatus& s : writer.sinks()) sum += s.written;
        CHECK(sum >= last);
        return last = sum;
    };
    std::uint64_t sent = 0;
    for (const Folder* place : {&one, &other, &one}) {
        for (int i = 0; i < 100; ++i, ++sent) writer.queue().smtp(info("record"));
        writer.replace(file_output(place->path));
        writer.queue().smtp(info("record"));
        CHECK(eventually([&, wanted = ++sent] { return written() == wanted; }));
    }
    const std::vector<log::SinkStatus> sinks = writer.sinks();
    REQUIRE(sinks.size() == 2);
    CHECK(sinks[0].name == one.path);
    CHECK_FALSE(sinks[0].former);
    CHECK(sinks[1].name == other.path);
    CHECK(sinks[1].former);
    CHECK(sinks[0].written + sinks[1].written == 303);
}

TEST_CASE("writer: what a policy drops is counted, also by an engine that has not been told of the next one") {
    const Folder place;
    const auto output_with_policy = [&] {
        log::Options options;
        options.sinks.resize(1);
        options.sinks[0].type = log::SinkType::file;
        options.sinks[0].directory = place.path;
        options.policy.resize(1);
        options.policy[0].action = log::Action::drop;
        return std::make_unique<log::Output>(options);
    };
    auto output = output_with_policy();
    std::vector<std::shared_ptr<const DropPolicy>> engines{output->drop_policy()};
    Writer writer(std::move(output));
    for (std::uint64_t reloads = 1; reloads <= 3; ++reloads) {
        output = output_with_policy();
        engines.push_back(output->drop_policy());
        writer.replace(std::move(output));
        const std::uint64_t before = writer.dropped_by_policy()[0];
        writer.queue().smtp(info("dropped"));
        CHECK(eventually([&] { return writer.dropped_by_policy()[0] == before + 1; }));  // and so it has been replaced
        for (const auto& policy : engines) CHECK(policy->drops(info("dropped")));
        CHECK(writer.dropped_by_policy()[0] == before + 1 + engines.size());
        if (reloads == 2) engines.clear();
    }
}

TEST_CASE("service manager: a receiver that does not read holds nobody up for long") {
    const Folder folder;
    const std::string path = folder.path + "/notify";
    const Descriptor receiver(socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
    ServiceManager service;
    unsetenv("NOTIFY_SOCKET");
    service.ready();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i) service.status("busy");
    CHECK(std::chrono::steady_clock::now() - began < 1s);
    char text[64] = {};
    REQUIRE(recv(receiver.get(), text, sizeof text - 1, 0) > 0);
    CHECK(std::string(text) == "READY=1");
    REQUIRE(recv(receiver.get(), text, sizeof text - 1, 0) > 0);
    CHECK(std::string(text) == "STATUS=busy");
}

TEST_CASE("service manager: without one, nothing happens") {
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    ServiceManager service;
    service.ready();
    service.alive();
    CHECK(service.watchdog_interval() == 0ms);
}

TEST_CASE("worker: what other shards pass on wakes it, and is bounded by its bytes", "[agent]") {
    ScriptedSource source;
    CountingSink sink;
    Worker worker(source, sink, nullptr);
    const std::vector<std::uint8_t> large(std::size_t{1} << 20), small(100);
    Packet packet;
    packet.link = LinkType::raw_ip;
    packet.data = large;
    for (int i = 0; i < 15; ++i) worker.pass(packet);
    CHECK(source.wakes == 1);  // it has not looked since
    CHECK(worker.passed_dropped() == 0);
    for (int i = 0; i < 2; ++i) worker.pass(packet);
    CHECK(worker.passed_dropped() == 2);
    packet.data = small;
    for (int i = 0; i < 1000; ++i) worker.pass(packet);
    CHECK(worker.passed_dropped() == 2);
    worker.start({});
    CHECK(eventually([&] { return worker.stats().packets == 1015; }));
    const int wakes = source.wakes;
    worker.pass(packet);
    CHECK(source.wakes == wakes + 1);
}
