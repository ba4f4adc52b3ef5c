// SPDX-License-Identifier: BSD-3-Clause
// The control socket: which agent may own it, and that no client can hold up the agent.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/control_socket.h"
#include "agent/find_agent.h"
#include "base/descriptor.h"
#include "catch.h"
#include "support_folder.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using smtpscope::test::Folder;
namespace fs = std::filesystem;

namespace {

/// A control socket with the loop that an agent has around it.
class Server {
  public:
    Server(const std::string& path, ControlSocket::Answer answer) : socket_(path, std::move(answer)) {
        thread_ = std::thread([this] {
            while (!stop_) {
                pollfd fd{socket_.fd(), POLLIN, 0};
                if (poll(&fd, 1, 5) > 0) socket_.serve();
            }
        });
    }
    ~Server() {
        stop_ = true;
        thread_.join();
    }

  private:
    ControlSocket socket_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

std::string echo(std::string_view request) {
    return "<" + std::string(request) + ">";
}

Descriptor connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor fd(socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

/// What the action throws; empty if it throws nothing.
template <class Action>
std::string complaint(Action action) {
    try {
        action();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

std::string read_all(const Descriptor& fd) {
    std::string text;
    char space[4096];
    for (ssize_t n = 0; (n = recv(fd.get(), space, sizeof space, 0)) > 0;) {
        text.append(space, static_cast<std::size_t>(n));
    }
    return text;
}

}  // namespace

TEST_CASE("control: a line is answered, and an end without a line, too") {
    const Folder folder;
    const Server server(folder / "s", echo);
    CHECK(ask(folder / "s", "status json") == "<status json>");
    const Descriptor fd = connect_to(folder / "s");
    shutdown(fd.get(), SHUT_WR);
    CHECK(read_all(fd) == "<>");
}

TEST_CASE("control: the reason of an error reaches the one who asked") {
    const Folder folder;
    const Server server(folder / "s", [](std::string_view) { return error_answer("of flows, a number is wanted"); });
    CHECK(complaint([&] { ask(folder / "s", "flows json x"); }) == "of flows, a number is wanted");
}

TEST_CASE("control: an error's text arrives as it was, except what would play with a terminal") {
    const Folder folder;
    const std::string why = "/x.yaml:2:3: \"a\\b\"\n\t\xc3\xa9 \\u0041";
    const Server server(folder / "s",
                        [&](std::string_view what) { return error_answer(what == "reload" ? why : "\x1b[2J"); });
    CHECK(complaint([&] { ask(folder / "s", "reload"); }) == why);
    CHECK(complaint([&] { ask(folder / "s", "clear"); }) == "\\x1b[2J");
}

TEST_CASE("control: an agent that answers where it is expected is found there, if it has the file") {
    const Folder folder;
    const Refusal refusal{"no\nreally", smtpscope::from_nanoseconds(1'790'000'000'000'000'000)};
    std::atomic<int> asked = 0;
    const Server server(folder / "s", [&](std::string_view request) {
        ++asked;
        return request == "configuration" ? configuration_answer("/etc/x.yaml", refusal) : error_answer("unknown");
    });
    fs::create_symlink("/etc/x.yaml", folder / "link.yaml");
    const std::string other = folder / "no file of any agent";
    for (const std::string& file : {std::string(), std::string("/etc/x.yaml"), folder / "link.yaml", other}) {
        CAPTURE(file);
        const auto found = find_agent(folder / "s", file);
        REQUIRE(found);
        CHECK(found->socket == folder / "s");
        CHECK(found->loaded.file == "/etc/x.yaml");
        CHECK(found->loaded.refusal == in_words(refusal));
    }
    CHECK(asked == 4);  // once each time
    CHECK_FALSE(find_agent(folder / "nobody", other));
}

TEST_CASE("control: a process that is not trusted is not asked") {
    const Folder folder;
    std::atomic<int> asked = 0;
    const Server server(folder / "s", [&](std::string_view request) {
        if (!request.empty()) ++asked;
        return echo(request);
    });
    const auto ask_if = [&](const PeerCheck& check) { return ask(folder / "s", "x", std::chrono::seconds(5), check); };
    const auto own = [](pid_t process, uid_t user) { return process == getpid() && user == geteuid(); };
    CHECK(ask_if(own) == "<x>");
    CHECK(contains(complaint([&] { ask_if([](pid_t, uid_t) { return false; }); }), "not the agent that is looked for"));
    CHECK(asked == 1);
}

TEST_CASE("control: an answer larger than any socket buffer arrives whole") {
    const Folder folder;
    std::string large(8 << 20, 'x');
    const Server server(folder / "s", [&](std::string_view) { return large; });
    CHECK(ask(folder / "s", "status") == large);
}

TEST_CASE("control: a client that says nothing or too much holds nobody up") {
    const Folder folder;
    const Server server(folder / "s", echo);
    const Descriptor silent = connect_to(folder / "s");
    const Descriptor endless = connect_to(folder / "s");
    const std::string much(100000, 'x');
    (void)!send(endless.get(), much.data(), much.size(), MSG_NOSIGNAL);
    CHECK(ask(folder / "s", "status") == "<status>");
    CHECK(read_all(endless).empty());
}

TEST_CASE("control: mode 0660, the missing folder is made, and nothing is left behind") {
    const Folder folder;
    const std::string path = folder / "made/s";
    {
        const ControlSocket socket(path, echo);
        struct stat st {};
        REQUIRE(stat(path.c_str(), &st) == 0);
        CHECK(S_ISSOCK(st.st_mode));
        CHECK((st.st_mode & 0777) == 0660);
    }
    CHECK(fs::is_empty(folder / "made"));
}

TEST_CASE("control: a live agent's socket is not taken, a dead one's is") {
    const Folder folder;
    {
        const Server first(folder / "s", echo);
        CHECK_THROWS_AS(ControlSocket(folder / "s", echo), SocketInUse);
        CHECK(ask(folder / "s", "still there") == "<still there>");
    }
    {
        // What a killed agent leaves: a socket that nobody listens at, and a lock file that nobody holds.
        const Descriptor dead(socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder / "s";
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        std::ofstream(folder / "s.lock").flush();
    }
    CHECK(contains(complaint([&] { ask(folder / "s", "x"); }), "no agent is running"));
    const Server second(folder / "s", echo);
    CHECK(ask(folder / "s", "mine now") == "<mine now>");
}

TEST_CASE("control: of an agent that does not answer it is said what it may be") {
    const Folder folder;
    const Descriptor stopped(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder / "s";
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(bind(stopped.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(stopped.get(), 1) == 0);
    CHECK(complaint([&] { ask(path, "status", std::chrono::seconds(1)); }) ==
          "the agent at " + path + " does not answer: its process is stopped or busy; try again later");
}

TEST_CASE("control: what is not a socket is not removed, and impossible paths are errors") {
    const Folder folder;
    std::ofstream(folder / "file") << "precious";
    CHECK(contains(complaint([&] { const ControlSocket s(folder / "file", echo); }), "not a socket"));
    CHECK(fs::file_size(folder / "file") == 8);
    CHECK(contains(complaint([&] { const ControlSocket s(folder / "no/such/folder", echo); }), "No such file"));
    CHECK(contains(complaint([&] { const ControlSocket s(folder / std::string(200, 'x'), echo); }), "107 bytes"));
    CHECK(contains(complaint([&] { ask(folder / "nobody", "status"); }), "no agent is running"));
}
