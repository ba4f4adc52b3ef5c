// SPDX-License-Identifier: BSD-3-Clause
// Any segmentation, and any order in which the same segments are captured, give the same records and weirds.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "catch.h"
#include "support_talk.h"

using namespace smtpscope;
using namespace smtpscope::test;

namespace {

struct Conversation {
    const char* name;
    Script script;
};

std::string many_lines(const char* before, int n, const char* after) {
    std::string out;
    for (int i = 0; i < n; ++i) out += before + std::to_string(i) + after;
    out.pop_back();
    return out;
}

const std::string multipart =
    "Received: from x ([192.0.2.9]) by y; z\nReceived: from client ([198.51.100.9]) by x; z\n"
    "From: A <a@a>\nTo: \"B, the first\" <b@b>,\n c@c\nSubject: folded\n\tsubject\nX-Mailer: m\n"
    "Content-Type: multipart/mixed; boundary=\"=_x\"\n\n--=_x\nSubject: of a part\n\n..dots\n--=_x\n"
    "Content-Type: message/rfc822\n\nSubject: inner\n\ntext\n--=_x--\n.";

const Conversation conversations[] = {
    {"one mail", hello() + mail("one") + Script{C("QUIT"), S("221 bye")}},
    {"three mails and RSET", hello() + mail("one") + mail("two") +
                                 Script{C("MAIL FROM:<x@y>"), S("250 m"), C("RSET"), S("250 r")} + mail("three") +
                                 Script{C("QUIT"), S("221 bye")}},
    {"pipelined", hello() + Script{C("MAIL FROM:<a@b>\n" + many_lines("RCPT TO:<r", 20, "@c>\n") + "\nDATA"),
                                   S("250 m\n" + many_lines("250 r", 20, "\n") + "\n354 d"), C(multipart), S("250 q"),
                                   C("QUIT"), S("221 bye")}},
    {"the next MAIL before the final reply",
     hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n250 r\n354 d"), C("Subject: 1\n\n1\n."),
                      S("250 first queued"), ahead(C("MAIL FROM:<e@f>\nRCPT TO:<g@h>\nDATA")), S("250 m\n250 r\n354 d"),
                      C("Subject: 2\n\n2\n."), S("250 second queued")}},
    {"a server that gives up while the client goes on",
     hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 m\n250 r"), C("DATA"), ahead(S("421 timeout"))}},
    {"long replies", Script{S("220-" + std::string(300, 'a') + "\n220 b"), C("EHLO c"),
                            S(many_lines("250-EXT", 20, "\n") + "\n250 HELP")} +
                         mail("m")},
    {"DATA refused, then a mail",
     hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA"), S("250 m\n550 r\n554 d"), C("RSET"), S("250 r")} +
         mail("m")},
    {"a second MAIL refused",
     hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 m\n250 r"), C("MAIL FROM:<x@y>"), S("503 nested"),
                      C("DATA"), S("354 d"), C("Subject: s\n\nt\n."), S("250 q")}},
    {"BDAT",
     hello() + Script{C("MAIL FROM:<a@b>\nRCPT TO:<c@d>"), S("250 m\n250 r"),
                      raw(Side::orig, "BDAT 14\r\nSubject: chunksBDAT 11\r\n \r\n\r\n.\r\ntex"), S("250 1\n250 2"),
                      raw(Side::orig, "BDAT 3 LAST\r\nt\r\nRSET\r\n"), S("250 queued\n250 r"),
                      C("MAIL FROM:<a@b>\nRCPT TO:<c@d>\nBDAT 0 LAST"), S("250 m\n250 r\n250 q")}},
    {"AUTH", hello() +
                 Script{C("AUTH LOGIN"), S("334 VXNlcm5hbWU6"), C("dXNlcg=="), S("334 UGFzc3dvcmQ6"), C("c2VjcmV0"),
                        S("235 ok")} +
                 mail("m")},
    {"STARTTLS", hello() + Script{C("STARTTLS"), S("220 go"), raw(Side::orig, "\x16\x03\x01\x02hello\r\n.\r\n"),
                                  raw(Side::resp, "\x16\x03\x03 250 ok\r\nserver hello")}},
    {"STARTTLS refused", hello() + Script{C("STARTTLS"), S("454 no")} + mail("m")},
    {"invalid transactions", hello() + Script{C(many_lines("RCPT TO:<r", 30, "@c>\n")), S("503 no")}},
    {"other line ends",
     Script{raw(Side::resp, "220 s\n"), raw(Side::orig, "EHLO c\n"), raw(Side::resp, "250 h\r\r\n"),
            raw(Side::orig, "MAIL FROM:<a@b>\r\r\nRCPT TO:<c@d>\n"), raw(Side::resp, "250 m\n250 r\n"),
            raw(Side::orig, "DATA\n"), raw(Side::resp, "354 d\r\n"),
            raw(Side::orig, "Subject: s\nTo: t@u\n\ntext\r\n.\r\n"), raw(Side::resp, "250 q\r\n")}},
    {"no commands at all", Script{S("554 no service\n"), C("what\nis this"), S("500 a\n500 b")}},
};

/// Everything but times.
std::vector<std::string> outcome(const Recorder& r) {
    std::vector<std::string> out;
    for (const Info& rec : r.records) out.push_back(rec.uid + " " + to_text(rec));
    std::vector<std::string> odd = r.odd();
    std::sort(odd.begin(), odd.end());  // two oddities of the two directions have no order
    out.insert(out.end(), odd.begin(), odd.end());
    // How often a verdict is repeated depends on how much comes after it.
    if (!r.ignored.empty()) out.emplace_back("ignored");
    out.push_back(std::to_string(r.forgotten.size()) + " forgotten");
    return out;
}

bool is_after(std::uint32_t seq, std::uint32_t other) {
    return static_cast<std::int32_t>(seq - other) > 0;
}

class Shuffle {
  public:
    explicit Shuffle(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }

    Wire wire() {
        Wire w;
        w.orig_isn = static_cast<std::uint32_t>(random_());
        w.resp_isn = static_cast<std::uint32_t>(random_());
        if (below(4) == 0) w.orig_isn = 0U - static_cast<std::uint32_t>(below(100));  // the sequence wraps
        if (below(4) == 0) w.resp_isn = 0U - static_cast<std::uint32_t>(below(100));
        const std::size_t most = std::size_t{1} << below(9);
        w.cut = [this, most](std::size_t) { return 1 + below(most); };
        return w;
    }

    /// Segments once more: the same, or cut from several that follow each other.
    void retransmit(std::vector<Sent>& all) {
        const std::size_t n = all.size();
        for (std::size_t times = below(n / 2 + 1); times > 0; --times) {
            Sent again = all[handshake_segments + below(n - handshake_segments)];
            if (again.payload.size() > 1 && below(2) == 0) {
                const std::size_t skipped = below(again.payload.size());
                again.payload.erase(0, skipped);
                again.seq += static_cast<std::uint32_t>(skipped);
                again.flags &= static_cast<std::uint8_t>(~fin);
            }
            for (std::size_t i = 0; i < n && below(3) != 0; ++i)
                if (all[i].from == again.from && !again.payload.empty() && all[i].ack_seq == again.ack_seq &&
                    all[i].seq == again.seq + again.payload.size() && all[i].flags == again.flags)
                    again.payload += all[i].payload;
            // It acknowledges what has come since, but nothing that acknowledges these very bytes: then they would not
            // have been sent again.
            for (std::size_t i = handshake_segments; i < n && below(3) != 0; ++i) {
                const std::uint32_t end = all[i].seq + static_cast<std::uint32_t>(all[i].payload.size());
                if (all[i].from != again.from && !is_after(all[i].ack_seq, again.seq) && is_after(end, again.ack_seq))
                    again.ack_seq = end;
            }
            all.push_back(std::move(again));
        }
    }

    /// Any order after the handshake; what is `near` is moved by a few places alone.
    void reorder(std::vector<Sent>& all, bool near) {
        const auto begin = all.begin() + handshake_segments;
        if (!near) {
            std::shuffle(begin, all.end(), random_);
        } else {
            for (auto it = begin; it != all.end(); ++it)
                std::iter_swap(
                    it, it + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(below(6)), all.end() - it - 1));
        }
        for (std::size_t i = 0; i < all.size(); ++i) all[i].at = static_cast<std::int64_t>(i);
    }

  private:
    std::mt19937_64 random_;
};

std::string listing(const std::vector<Sent>& all) {
    std::string out;
    for (const Sent& s : all)
        out += std::string(s.from == Side::orig ? "o" : "r") + " seq " + std::to_string(s.seq) + " ack " +
               std::to_string(s.ack_seq) + " flags " + std::to_string(s.flags) + " " + s.payload + "\n";
    return out;
}

constexpr std::uint64_t cases_each = 25;

void check_all(bool reordered, bool retransmitted) {
    std::uint64_t same = 0;
    for (const Conversation& c : conversations) {
        const std::vector<std::string> expected = outcome(play(c.script));
        for (std::uint64_t seed = 0; seed < cases_each; ++seed) {
            Shuffle shuffle(seed);
            Wire wire = shuffle.wire();
            if (seed == 0) wire.cut = [](std::size_t) { return 1; };
            std::vector<Sent> all = segments(c.script, wire);
            if (retransmitted) shuffle.retransmit(all);
            if (reordered || retransmitted) shuffle.reorder(all, !reordered || seed % 3 == 0);
            const std::vector<std::string> got = outcome(play(all));
            if (got == expected) {
                ++same;
                continue;
            }
            INFO(c.name << ", seed " << seed << ", " << all.size() << " segments\n"
                        << (all.size() < 60 ? listing(all) : std::string()));
            CHECK(got == expected);
        }
    }
    CHECK(same == std::size(conversations) * cases_each);
}

}  // namespace

TEST_CASE("records do not depend on segmentation", "[engine]") {
    check_all(false, false);
}

TEST_CASE("records do not depend on the order of segments", "[engine]") {
    check_all(true, false);
}

TEST_CASE("records do not depend on retransmissions", "[engine]") {
    check_all(false, true);
}

TEST_CASE("records do not depend on the order of segments and retransmissions", "[engine]") {
    check_all(true, true);
}
