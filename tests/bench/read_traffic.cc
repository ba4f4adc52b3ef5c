// SPDX-License-Identifier: BSD-3-Clause
// Captures of mail for the benchmark of `read`. The same arguments give the same bytes.
//
// usage: read_traffic PROFILE MEGABYTES FILE       mixed, bulk-small, big-attachments or starttls
//        read_traffic AXIS COUNT FILE              one thing that grows: see `axes`
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <utility>

#include "attachment.h"
#include "read_wire.h"

namespace smtpscope::bench {

namespace {

struct Profile {
    const char* name;
    double tls;                      ///< share of the sessions
    unsigned mails;                  ///< in a session, at most
    unsigned lines;                  ///< of text, at most
    double attached;                 ///< share of the mails
    double median, spread, largest;  ///< of an attachment, in bytes as sent (log-normal)
};

constexpr Profile profiles[] = {
    {"mixed", 0.12, 6, 120, 0.35, 65e3, 1.4, 12e6},
    {"bulk-small", 0, 20, 90, 0.05, 5e3, 0.7, 20e3},
    {"big-attachments", 0, 3, 60, 1, 3e6, 1, 25e6},
    {"starttls", 0.85, 5, 100, 0.3, 100e3, 1.3, 8e6},
};

constexpr std::size_t block_size = 25'000'000;
constexpr std::size_t sessions_at_once = 32;

std::mt19937 generator(1);

double share() {
    return std::uniform_real_distribution<>()(generator);
}
unsigned up_to(unsigned most) {
    return 1 + static_cast<unsigned>(generator() % most);
}

/// Lines as attachments have them.
const std::string& base64_block() {
    static const std::string block = [] {
        constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string out;
        out.reserve(block_size + 78);
        while (out.size() < block_size) {
            for (int i = 0; i < 76; ++i) out += digits[generator() % 64];
            out += "\r\n";
        }
        return out;
    }();
    return block;
}

/// What looks like TLS application data.
const std::string& cipher_block() {
    static const std::string block = [] {
        std::string out(block_size, '\0');
        for (char& c : out) c = static_cast<char>(generator());
        return out;
    }();
    return block;
}

std::string text_lines(unsigned lines) {
    static const std::string line = "It was a bright cold day in November, and the mail was on its way.\r\n";
    std::string out;
    for (unsigned i = 0; i < lines; ++i) out += line;
    return out;
}

std::string header(unsigned long number, const char* content_type) {
    const std::string id = std::to_string(number);
    return "Received: from mx" + id + ".example.net (mx.example.net [198.51.100." + std::to_string(number % 250) +
           "])\r\n\tby mail.example.com (Postfix) with ESMTPS id " + id + "\r\n\tfor <user" + id +
           "@example.com>; Mon, 23 Nov 2026 10:00:00 +0000 (UTC)\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nFrom: "
           "\"Sender " +
           id + "\" <sender" + id + "@example.net>\r\nTo: \"User " + id + "\" <user" + id +
           "@example.com>\r\nSubject: Report number " + id + " of the week\r\nMessage-ID: <" + id +
           ".4711@example.net>\r\nUser-Agent: Mutt/2.2.9\r\nMIME-Version: 1.0\r\nContent-Type: " + content_type +
           "\r\n\r\n";
}

Turn client(std::string text, std::string_view block = {}) {
    return {Side::orig, std::move(text), block};
}
Turn server(std::string text) {
    return {Side::resp, std::move(text), {}};
}

std::vector<Turn> hello() {
    return {server("220 mail.example.com ESMTP\r\n"), client("EHLO client.example.net\r\n"),
            server("250-mail.example.com\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n")};
}

void envelope(std::vector<Turn>& turns, unsigned long number) {
    const std::string id = std::to_string(number);
    const std::string lines[] = {"MAIL FROM:<sender" + id + "@example.net>\r\n",
                                 "RCPT TO:<user" + id + "@example.com>\r\n", "DATA\r\n"};
    const std::string replies[] = {"250 2.1.0 Ok\r\n", "250 2.1.5 Ok\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n"};
    if (share() < 0.4) {
        turns.push_back(client(lines[0] + lines[1] + lines[2]));
        turns.push_back(server(replies[0] + replies[1] + replies[2]));
        return;
    }
    for (int i = 0; i < 3; ++i) {
        turns.push_back(client(lines[i]));
        turns.push_back(server(replies[i]));
    }
}

void mail(std::vector<Turn>& turns, unsigned long number, const Profile& p) {
    envelope(turns, number);
    const std::string text = text_lines(up_to(p.lines));
    if (share() >= p.attached) {
        turns.push_back(client(header(number, "text/plain; charset=utf-8") + text + ".\r\n"));
    } else {
        const double bytes = std::lognormal_distribution<>(std::log(p.median), p.spread)(generator);
        const std::size_t lines = static_cast<std::size_t>(std::min(bytes, p.largest)) / 78;
        turns.push_back(client(header(number, "multipart/mixed; boundary=\"=_b\"") +
                                   "--=_b\r\nContent-Type: text/plain\r\n\r\n" + text +
                                   "--=_b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: "
                                   "base64\r\nContent-Disposition: attachment; filename=\"report.pdf\"\r\n\r\n" +
                                   std::string(first_line),
                               std::string_view(base64_block()).substr(0, lines * 78)));
        turns.push_back(client("--=_b--\r\n.\r\n"));
    }
    turns.push_back(server("250 2.0.0 Ok: queued as " + std::to_string(number) + "\r\n"));
}

std::vector<Turn> session(unsigned long& mails, const Profile& p) {
    std::vector<Turn> turns = hello();
    if (share() < p.tls) {
        const double bytes = std::lognormal_distribution<>(std::log(p.median), p.spread)(generator);
        turns.push_back(client("STARTTLS\r\n"));
        turns.push_back(server("220 2.0.0 Ready to start TLS\r\n"));
        turns.push_back(client(std::string("\x16\x03\x01\x02\x00", 5) + std::string(512, 'h')));
        turns.push_back(server(std::string("\x16\x03\x03\x0b\xb8", 5) + std::string(3000, 's')));
        turns.push_back(client(
            {}, std::string_view(cipher_block()).substr(0, static_cast<std::size_t>(std::min(bytes, p.largest)))));
        return turns;
    }
    for (unsigned n = up_to(p.mails); n > 0; --n) mail(turns, ++mails, p);
    turns.push_back(client("QUIT\r\n"));
    turns.push_back(server("221 2.0.0 Bye\r\n"));
    return turns;
}

void write_profile(const Profile& p, std::uint64_t bytes, CaptureFile& file) {
    std::uint32_t number = 0;
    unsigned long mails = 0;
    play(file, sessions_at_once, [&]() -> std::unique_ptr<Session> {
        if (file.bytes() >= bytes) return nullptr;
        return std::make_unique<Session>(number++, session(mails, p));
    });
}

// ---- growth: one message, or many sessions, with COUNT of something

std::string repeated(unsigned long count, const std::function<std::string(unsigned long)>& make) {
    std::string out;
    for (unsigned long i = 0; i < count; ++i) out += make(i);
    return out;
}

std::vector<Turn> one_mail(std::string content) {
    std::vector<Turn> turns = hello();
    envelope(turns, 1);
    turns.push_back(client(std::move(content) + ".\r\n"));
    turns.push_back(server("250 Ok\r\n"));
    return turns;
}

std::vector<Turn> recipients(unsigned long count) {
    std::vector<Turn> turns = hello();
    turns.push_back(client("MAIL FROM:<a@example.net>\r\n"));
    turns.push_back(server("250 Ok\r\n"));
    for (unsigned long i = 0; i < count; i += 50) {
        turns.push_back(client(repeated(
            50, [&](unsigned long j) { return "RCPT TO:<user" + std::to_string(i + j) + "@example.com>\r\n"; })));
        turns.push_back(server(repeated(50, [](unsigned long) { return std::string("250 Ok\r\n"); })));
    }
    return turns;
}

/// Multiparts within multiparts, as deep as the default limit allows at most.
std::string nested(unsigned long depth) {
    std::string out;
    for (unsigned long i = 0; i < depth; ++i) {
        const std::string boundary = "=_nested_" + std::to_string(i) + "_";
        out += "Content-Type: multipart/mixed; boundary=\"";
        out += boundary;
        out += "\"\r\n\r\n--";
        out += boundary;
        out += "\r\n";
    }
    return out + "\r\ntext\r\n";
}

struct Axis {
    const char* name;
    std::vector<Turn> (*turns)(unsigned long count);  ///< of the only session
};

const Axis axes[] = {
    {"bytes",
     [](unsigned long count) { return one_mail(header(1, "text/plain") + base64_block().substr(0, count / 78 * 78)); }},
    {"recipients", recipients},
    {"parts",
     [](unsigned long count) {
         return one_mail(
             header(1, "multipart/mixed; boundary=b") +
             repeated(count,
                      [](unsigned long) { return std::string("--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n"); }) +
             "--b--\r\n");
     }},
    {"nesting",
     [](unsigned long count) {
         std::vector<Turn> turns;
         for (int i = 0; i < 2000; ++i)
             for (Turn& t : one_mail(nested(count))) turns.push_back(std::move(t));
         return turns;
     }},
    {"fields",
     [](unsigned long count) {
         return one_mail(repeated(count, [](unsigned long i) {
             return "Received: from a ([198.51.100." + std::to_string(i % 250) + "]) by b; Mon, 23 Nov 2026\r\n";
         }));
     }},
    {"addresses",
     [](unsigned long count) {
         return one_mail(
             "To: " +
             repeated(count, [](unsigned long i) { return "user" + std::to_string(i) + "@example.com,\r\n "; }) +
             "z@z\r\n\r\n");
     }},
    {"commands",
     [](unsigned long count) {
         std::vector<Turn> turns = hello();
         turns.push_back(client(repeated(count, [](unsigned long) { return std::string("MAIL FROM:<a@b>\r\n"); })));
         return turns;
     }},
};

/// `width` sessions at a time, with a mail each or without.
void write_sessions(unsigned long count, std::size_t width, bool with_mail, CaptureFile& file) {
    std::uint32_t number = 0;
    play(file, width, [&]() -> std::unique_ptr<Session> {
        if (number == count) return nullptr;
        ++number;
        return std::make_unique<Session>(number,
                                         with_mail ? one_mail(header(number, "text/plain") + "text\r\n") : hello());
    });
}

bool write(const std::string& what, unsigned long count, const std::string& path) {
    for (const Profile& p : profiles) {
        if (what != p.name) continue;
        CaptureFile file(path);
        write_profile(p, count * 1'000'000, file);
        return true;
    }
    const bool open = what == "open-sessions", idle = what == "idle-sessions";
    if (what == "sessions" || open || idle) {
        CaptureFile file(path);
        write_sessions(count, open || idle ? count : sessions_at_once, !idle, file);
        return true;
    }
    for (const Axis& a : axes) {
        if (what != a.name) continue;
        CaptureFile file(path);
        bool given = false;
        play(file, 1, [&]() -> std::unique_ptr<Session> {
            if (std::exchange(given, true)) return nullptr;
            return std::make_unique<Session>(0, a.turns(count));
        });
        return true;
    }
    return false;
}

}  // namespace

}  // namespace smtpscope::bench

int main(int argc, char** argv) {
    if (argc == 4 && smtpscope::bench::write(argv[1], std::strtoul(argv[2], nullptr, 10), argv[3])) return 0;
    std::fputs("usage: read_traffic PROFILE MEGABYTES FILE | AXIS COUNT FILE\n", stderr);
    return 2;
}
