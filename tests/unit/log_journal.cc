// SPDX-License-Identifier: BSD-3-Clause
// Records on their way to journald: a real socket in a folder, which comes and goes, stands in for it.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <future>

#include "catch.h"
#include "log/journal.h"
#include "log/journal_lane.h"
#include "log/output.h"
#include "support_folder.h"
#include "support_records.h"
#include "support_wait.h"

using namespace smtpscope;
using namespace smtpscope::log;
using smtpscope::test::eventually;
using smtpscope::test::record;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Folder : test::Folder {
    std::string socket() const { return *this / "socket"; }
};

/// Listens as long as it lives; its name goes with it.
class Listener {
  public:
    explicit Listener(const Folder& folder, int type = SOCK_DGRAM)
        : path_(folder.socket()), fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        if (type == SOCK_STREAM) REQUIRE(::listen(fd_, 1) == 0);
    }
    ~Listener() {
        ::unlink(path_.c_str());
        ::close(fd_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// The next entry, or nothing within the time.
    std::string receive(int milliseconds = 5000) {
        pollfd readable{fd_, POLLIN, 0};
        if (::poll(&readable, 1, milliseconds) != 1) return {};
        std::string bytes(1 << 20, '\0');
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        iovec part{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t size = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
        REQUIRE(size >= 0);
        bytes.resize(static_cast<std::size_t>(size));
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        return header ? file(header) : bytes;
    }

  private:
    /// What is in the sealed file of which the message holds the descriptor.
    static std::string file(const cmsghdr* header) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        CHECK((::fcntl(fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_SHRINK)) == (F_SEAL_WRITE | F_SEAL_SHRINK));
        struct stat status {};
        REQUIRE(::fstat(fd, &status) == 0);
        std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
        CHECK(::pread(fd, bytes.data(), bytes.size(), 0) == status.st_size);
        ::close(fd);
        return bytes;
    }

    std::string path_;
    int fd_;
};

std::string entry(int number) {
    return JournalEntry(6, "mail " + std::to_string(number)).datagram();
}

Options journal_options(const Folder& folder) {
    SinkOptions sink;
    sink.type = SinkType::journald;
    sink.socket = folder.socket();
    Options options;
    options.sinks = {sink};
    return options;
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("journal: an entry is one datagram, whatever is in it", "[log]") {
    const Folder folder;
    Listener journald(folder);
    JournalSocket socket(folder.socket());
    JournalEntry small(6, "two\nlines");
    CHECK(socket.send(small.datagram()) == 0);
    CHECK(journald.receive() ==
          "MESSAGE\n" + std::string("\t\0\0\0\0\0\0\0", 8) + "two\nlines\nPRIORITY=6\nSYSLOG_IDENTIFIER=smtpscope\n");
    JournalEntry large(6, std::string(2'000'000, 'x'));
    CHECK(socket.send(large.datagram()) == 0);
    CHECK(journald.receive() == large.datagram());
}

TEST_CASE("journal: what comes while journald is away waits for it, and what did not fit is told in its place",
          "[log]") {
    const Folder folder;
    JournalLane lane(folder.socket(), {.records = 4});
    for (int i = 1; i <= 6; ++i) lane.push({entry(i)});
    CHECK(lane.status().waiting == 4);
    CHECK(lane.status().dropped == 2);
    CHECK(lane.status().dropped_queue_full == 2);
    CHECK(eventually(
        [&] { return lane.status().last_error == "there is no journald: " + folder.socket() + " is missing."; }));
    CHECK(lane.tally().news() == "journald: records are being lost: " + lane.status().last_error);
    {
        Listener journald(folder);
        for (int i = 1; i <= 4; ++i) CHECK(journald.receive() == entry(i));
        const std::string lost = journald.receive();
        CHECK(holds(lost,
                    "MESSAGE=2 records were lost before this line: 2 because too many waited for journald, "
                    "0 that it refused."));
        CHECK(holds(lost, "PRIORITY=4\n"));
        CHECK(holds(lost, "SMTP_RECORDS_LOST=2\n"));
        lane.push({entry(7)});
        CHECK(journald.receive() == entry(7));
    }
    CHECK(eventually([&] { return lane.status().written == 5; }));
    CHECK(lane.status().last_error.empty());

    // Again, and this time nothing is lost.
    lane.push({entry(8)});
    CHECK(eventually([&] { return holds(lane.status().last_error, "there is no journald"); }));
    CHECK(lane.status().waiting == 1);
    Listener journald(folder);
    CHECK(journald.receive() == entry(8));
    CHECK(journald.receive(0).empty());
}

TEST_CASE("journal: every outage is told, not oftener than every few seconds, and every recovery", "[log]") {
    Tally tally("journald");
    auto now = Tally::Clock::now();
    tally.waits("it is away.");
    CHECK(tally.news(now) == "journald: records wait: it is away.");
    tally.wrote(1);
    CHECK_FALSE(tally.news(now += 1s));
    CHECK(tally.news(now += 5s) == "journald: records are written again; 0 were lost so far.");
    tally.waits("it is away.");
    CHECK(tally.news(now += 5s) == "journald: records wait: it is away.");
    tally.dropped(3, LossCause::queue_full, "its queue is full.");
    CHECK(tally.news(now += 5s) == "journald: records are being lost: it is away.");
    CHECK_FALSE(tally.news(now += 5s));
    tally.wrote(1);
    CHECK(tally.news(now += 5s) == "journald: records are written again; 3 were lost so far.");
    CHECK(tally.status().last_error.empty());
    CHECK(tally.status().last_loss == "it is away.");
}

TEST_CASE("journal: what cost no record is told once, until it has gone", "[log]") {
    Tally tally("/var/log/x");
    tally.failed("cannot rotate.");
    tally.wrote(1);
    CHECK(tally.status().last_error == "cannot rotate.");
    CHECK(tally.news() == "/var/log/x: cannot rotate.");
    tally.failed("cannot rotate.");
    CHECK_FALSE(tally.news());
    tally.all_is_done();
    CHECK(tally.status().last_error.empty());
    tally.failed("cannot rotate.");
    CHECK(tally.news() == "/var/log/x: cannot rotate.");
}

TEST_CASE("journal: one that is slow is waited for", "[log]") {
    const Folder folder;
    Listener journald(folder);
    JournalLane lane(folder.socket(), {});
    // More than a socket holds.
    constexpr int many = 3000;
    for (int i = 0; i < many; ++i) lane.push({entry(i)});
    int right = 0;
    while (right < many && journald.receive() == entry(right)) ++right;
    CHECK(right == many);
    CHECK(eventually([&] { return lane.status().written == many; }));
    CHECK(lane.status().dropped == 0);
}

TEST_CASE("journal: one that listens elsewhere under the same name is found", "[log]") {
    const Folder folder;
    auto before = std::make_unique<Listener>(folder);
    JournalLane lane(folder.socket(), {.stuck_after = 50ms});
    for (int i = 0; i < 3000; ++i) lane.push({entry(i)});  // it is full, and stays so
    CHECK(eventually([&] { return lane.status().last_error == "journald takes nothing at " + folder.socket() + "."; }));
    fs::rename(folder.socket(), folder.path + "/old");
    Listener after(folder);
    CHECK(holds(after.receive(), "MESSAGE=mail "));
}

TEST_CASE("journal: entries that it does not want are counted, not repeated", "[log]") {
    const Folder folder;
    const Listener other(folder, SOCK_STREAM);
    JournalLane lane(folder.socket(), {});
    lane.push({entry(1)});
    CHECK(eventually([&] { return lane.status().dropped == 1; }));
    CHECK(lane.status().refused() == 1);
    CHECK(lane.status().last_error == std::string("journald refused an entry: ") + std::strerror(EPROTOTYPE) + ".");
}

TEST_CASE("journal: the end waits for one that takes something, not for one that is away", "[log]") {
    const Folder folder;
    SECTION("away") {
        JournalLane lane(folder.socket(), {.stuck_after = 50ms});
        for (int i = 0; i < 5; ++i) lane.push({entry(i)});
        const std::string why = "there is no journald: " + folder.socket() + " is missing.";
        CHECK(eventually([&] { return lane.status().last_error == why; }));
        lane.end();
        CHECK(lane.status().waiting == 0);
        CHECK(lane.status().dropped == 5);
        CHECK(lane.status().dropped_at_end == 5);
        CHECK(lane.status().last_error == why);
    }
    SECTION("comes back") {
        JournalLane lane(folder.socket(), {.stuck_after = 60s});
        for (int i = 0; i < 5; ++i) lane.push({entry(i)});
        lane.close();
        Listener journald(folder);
        lane.end();
        CHECK(lane.status().written == 5);
        for (int i = 0; i < 5; ++i) CHECK(journald.receive() == entry(i));
    }
    SECTION("what has no room waits, too") {
        JournalLane lane(folder.socket(), {.records = 2, .stuck_after = 60s});
        lane.hurry(SinkQueue::Clock::now() + 60s);
        for (int i = 0; i < 2; ++i) lane.push({entry(i)});
        Listener journald(folder);
        for (int i = 2; i < 5; ++i) lane.push({entry(i)});
        lane.end();
        CHECK(lane.status().written == 5);
    }
}

TEST_CASE("journal: a sink that waits for the one before it is not stuck", "[log]") {
    const Folder folder;
    Listener journald(folder);
    std::promise<void> former;
    JournalLane lane(folder.socket(), {.stuck_after = 100ms});
    lane.begin_after(former.get_future().share());
    lane.push({entry(0)});
    auto end = std::async(std::launch::async, [&] { lane.end(); });
    CHECK(end.wait_for(500ms) == std::future_status::timeout);
    former.set_value();
    end.get();
    CHECK(lane.status().written == 1);
    CHECK(lane.status().dropped == 0);
}

TEST_CASE("journal: what waits outlives a reload", "[log]") {
    const Folder folder;
    Options options = journal_options(folder);
    auto output = std::make_unique<Output>(options);
    output->smtp(record(1));
    CHECK(output->status()[0].waiting == 1);
    options.sinks[0].streams = {"smtp"};
    auto next = std::make_unique<Output>(options);
    next->succeed(*output);
    output.reset();
    next->smtp(record(2));
    next->weird({from_nanoseconds(0), "C1", record(1).id, "name", "", "SMTP"});
    Listener journald(folder);
    for (const char* uid : {"SMTP_UID=C1\n", "SMTP_UID=C2\n"}) CHECK(holds(journald.receive(), uid));
    next->end();
    CHECK(next->status().size() == 1);
    CHECK(next->status()[0].written == 2);
    CHECK(next->status()[0].dropped == 0);
}
