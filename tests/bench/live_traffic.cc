// SPDX-License-Identifier: BSD-3-Clause
// Both ends of a stream of mail at a steady rate, cheap enough not to be what is measured.
//
//   live_traffic sink PORT                                    an SMTP server that accepts everything and keeps nothing
//   live_traffic send HOST PORT MB_PER_SECOND MB CONNECTIONS  prints how many mails and bytes went through, and how
//   long
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "attachment.h"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = write(fd, bytes.data(), bytes.size());
        if (n <= 0) die("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

// ---- the server

enum class Mode { commands, data };

/// What the client sends, from buffer to buffer.
class Session {
  public:
    explicit Session(int fd) : fd_(fd) { write_all(fd_, "220 sink.smtpscope.example ESMTP\r\n"); }

    /// False when the client has left.
    bool receive() {
        char space[256 << 10];
        const ssize_t n = read(fd_, space, sizeof space);
        if (n <= 0) return false;
        pending_.append(space, static_cast<std::size_t>(n));
        replies_.clear();
        while (mode_ == Mode::data ? skip_data() : run_command()) {
        }
        if (!replies_.empty()) write_all(fd_, replies_);
        return !quit_;
    }

  private:
    /// Keeps only what may be the beginning of the end mark; true if the end mark was there.
    bool skip_data() {
        constexpr std::string_view end = "\r\n.\r\n";
        const std::size_t at = pending_.find(end);
        if (at == std::string::npos) {
            if (pending_.size() > end.size()) pending_.erase(0, pending_.size() - end.size());
            return false;
        }
        pending_.erase(0, at + end.size());
        mode_ = Mode::commands;
        replies_ += "250 2.0.0 Ok: queued as " + std::to_string(++mails_) + "\r\n";
        return true;
    }

    bool run_command() {
        const std::size_t end = pending_.find('\n');
        if (end == std::string::npos) return false;
        const std::string_view line(pending_.data(), end);
        if (line.starts_with("DATA")) {
            mode_ = Mode::data;
            replies_ += "354 go on\r\n";
        } else if (line.starts_with("QUIT")) {
            quit_ = true;
            replies_ += "221 bye\r\n";
        } else {
            replies_ += "250 2.1.0 Ok\r\n";
        }
        pending_.erase(0, end + 1);
        return true;
    }

    int fd_;
    Mode mode_ = Mode::commands;
    bool quit_ = false;
    unsigned mails_ = 0;
    std::string pending_;
    std::string replies_;
};

int run_sink(std::uint16_t port) {
    const int listener = socket(AF_INET6, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
    if (listen(listener, 64) != 0) die("listen");
    for (;;) {
        const int fd = accept(listener, nullptr, nullptr);
        if (fd < 0) die("accept");
        std::thread([fd] {
            Session session(fd);
            while (session.receive()) {
            }
            close(fd);
        }).detach();
    }
}

// ---- the client

/// A message with a text part and an attachment, of about `size` bytes; small ones are far more frequent than large
/// ones.
std::string make_message(std::size_t size) {
    std::string m =
        "From: Sender <sender@client.smtpscope.example>\r\nTo: rcpt@sink.smtpscope.example\r\n"
        "Subject: a message for the measurement\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
        "Received: from a.example (a.example [192.0.2.7]) by b.example with ESMTP; Mon, 23 Nov 2026 11:59:00 +0000\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"part\"\r\n\r\n"
        "--part\r\nContent-Type: text/plain\r\n\r\n";
    std::uint32_t seed = 1;
    const auto line = [&](std::string_view alphabet) {
        for (int i = 0; i < 76; ++i) {
            seed = seed * 1664525 + 1013904223;
            m += alphabet[(seed >> 16) % alphabet.size()];
        }
        m += "\r\n";
    };
    while (m.size() < size / 4) line("abcdefghijklmnopqrst   ");
    m += "--part\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    m += smtpscope::bench::first_line;
    while (m.size() < size) line("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    return m + "--part--\r\n.\r\n";
}

struct Plan {
    std::string host;
    std::uint16_t port;
    double bytes_per_second;  ///< of one connection
    double bytes;             ///< of one connection
};

struct Sent {
    std::atomic<std::uint64_t> mails{0};
    std::atomic<std::uint64_t> bytes{0};
};

int connect_to(const Plan& plan) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(plan.port);
    if (inet_pton(AF_INET, plan.host.c_str(), &address.sin_addr) != 1) die(plan.host.c_str());
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/// Reads so many reply lines; the sink's replies have one line each.
void read_replies(int fd, int lines) {
    char space[4096];
    while (lines > 0) {
        const ssize_t n = read(fd, space, sizeof space);
        if (n <= 0) die("read");
        for (ssize_t i = 0; i < n; ++i) lines -= space[i] == '\n';
    }
}

void send_mails(const Plan& plan, const std::vector<std::string>& messages, Sent& sent) {
    const int fd = connect_to(plan);
    read_replies(fd, 1);
    write_all(fd, "EHLO client.smtpscope.example\r\n");
    read_replies(fd, 1);
    const auto began = Clock::now();
    double done = 0;
    for (std::size_t i = 0; done < plan.bytes; ++i) {
        const std::string& message = messages[i % messages.size()];
        write_all(fd,
                  "MAIL FROM:<sender@client.smtpscope.example>\r\nRCPT TO:<rcpt@sink.smtpscope.example>\r\nDATA\r\n");
        read_replies(fd, 3);
        write_all(fd, message);
        read_replies(fd, 1);
        done += static_cast<double>(message.size());
        ++sent.mails;
        sent.bytes += message.size();
        std::this_thread::sleep_until(began + std::chrono::duration_cast<Clock::duration>(
                                                  std::chrono::duration<double>(done / plan.bytes_per_second)));
    }
    write_all(fd, "QUIT\r\n");
    read_replies(fd, 1);
    close(fd);
}

int run_send(char** argv) {
    const int connections = std::atoi(argv[4]);
    const Plan plan{argv[0], static_cast<std::uint16_t>(std::atoi(argv[1])), std::atof(argv[2]) * 1e6 / connections,
                    std::atof(argv[3]) * 1e6 / connections};
    std::vector<std::string> messages;
    for (const std::size_t kilobytes : {3U, 8U, 4U, 60U, 5U, 12U, 300U, 6U, 20U, 2U, 1000U, 9U}) {
        messages.push_back(make_message(kilobytes << 10));
    }
    Sent sent;
    const auto began = Clock::now();
    std::vector<std::thread> threads;
    threads.reserve(static_cast<std::size_t>(connections));
    for (int i = 0; i < connections; ++i) threads.emplace_back([&] { send_mails(plan, messages, sent); });
    for (auto& thread : threads) thread.join();
    const std::chrono::duration<double> took = Clock::now() - began;
    std::printf("{\"mails\": %lu, \"bytes\": %lu, \"seconds\": %.3f}\n", sent.mails.load(), sent.bytes.load(),
                took.count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "sink" && argc == 3) return run_sink(static_cast<std::uint16_t>(std::atoi(argv[2])));
    if (what == "send" && argc == 7) return run_send(argv + 2);
    std::fputs("usage: live_traffic sink PORT | send HOST PORT MB_PER_SECOND MB CONNECTIONS\n", stderr);
    return 2;
}
