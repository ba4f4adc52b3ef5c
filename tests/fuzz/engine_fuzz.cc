// SPDX-License-Identifier: BSD-3-Clause
// The whole analysis, from frames to lines of a log. However a conversation is cut into packets, and in whatever order
// these are captured, the records are the same, and so they are if it comes as streams; with packets missing nothing
// breaks. Passwords are in no record.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#include "fuzz.h"
#include "lines.h"
#include "script.h"
#include "smtpscope/engine.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using fuzz::Random;
using fuzz::Step;

constexpr std::string_view password = "hunter2hunter2";  // corpus.py's dialogues answer with it
constexpr std::size_t link_header = 14;

/// A TCP segment, acknowledging all that the other end had sent before it.
struct Frame {
    Side from;
    std::uint32_t seq, ack;
    std::uint8_t flags;
    std::string payload;
};

enum : std::uint8_t { fin = 1, syn = 2, ack = 16 };

void put16(std::string& out, std::size_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
}
void put32(std::string& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

/// Ethernet, IPv6 or IPv4, TCP; checksums are left out.
std::string bytes_of(const Frame& f, bool v6) {
    const bool orig = f.from == Side::orig;
    std::string out(link_header - 2, '\0');
    put16(out, v6 ? 0x86dd : 0x0800);
    const std::size_t length = 20 + f.payload.size();
    const auto host = [&](bool first) {
        if (v6) out += "\x20\x01\x0d\xb8" + std::string(11, '\0');
        if (!v6) out += std::string("\xc0\x00\x02", 3);
        out += first ? '\x01' : '\x02';
    };
    if (v6) {
        put32(out, 6U << 28);
        put16(out, length);
        put16(out, 0x0640);  // TCP, hop limit 64
    } else {
        put16(out, 0x4500);
        put16(out, 20 + length);
        put32(out, 0);
        put32(out, 0x40060000);  // TTL 64, TCP
    }
    host(orig);
    host(!orig);
    put16(out, orig ? 40000 : 25);
    put16(out, orig ? 25 : 40000);
    put32(out, f.seq);
    put32(out, f.ack);
    put16(out, 0x5000 | f.flags);
    put32(out, 0xffff0000);
    put16(out, 0);
    return out + f.payload;
}

ConnId id_of(bool v6) {
    const auto host = [&](const char* last) {
        return *Address::parse((v6 ? "2001:db8::" : "192.0.2.") + std::string(last));
    };
    return {host("1"), 40000, host("2"), 25};
}

class Records final : public RecordSink {
  public:
    explicit Records(bool secret) : secret_(secret) {}
    void smtp(const Info& rec) override { add(rec); }
    void weird(const Weird& rec) override {
        // The details of such a weird depend on how much of the line was there when it was seen.
        Weird shown = rec;
        if (rec.name == "smtp_bdat_line_too_long") shown.addl.clear();
        add(shown);
    }
    void file(const FileInfo& rec) override { add(rec); }
    void ssl(const SslInfo& rec) override { add(rec); }
    void notice(const Notice& rec) override { add(rec); }
    void software(const Software& rec) override { add(rec); }
    /// All lines, sorted: two weirds in the same bytes have no order.
    std::string text() {
        std::sort(lines_.begin(), lines_.end());
        std::string out;
        for (const std::string& line : lines_) out += line;
        return out;
    }

  private:
    template <typename Record>
    void add(const Record& rec) {
        fuzz::check_lines(rec);
        std::vector<format::Value> values;
        format::read_values(rec, values);
        std::string line;
        format::append_json(line, format::stream_of(rec), values);
        ENSURE(!secret_ || line.find(password) == line.npos);
        lines_.push_back(std::move(line));
    }
    bool secret_;  ///< the password is said in AUTH dialogues alone
    std::vector<std::string> lines_;
};

/// The conversation in frames; pieces are at most `largest` bytes.
std::vector<Frame> frames_of(const std::vector<Step>& steps, std::size_t largest, Random& random) {
    std::uint32_t next[2] = {0xfffffff0, 77};
    std::vector<Frame> frames = {{Side::orig, next[0]++, 0, syn, {}}, {Side::resp, next[1]++, next[0], syn | ack, {}}};
    const auto add = [&](Side side, std::string_view payload, std::uint8_t flags) {
        frames.push_back({side, next[index(side)], next[index(opposite(side))], flags, std::string(payload)});
        next[index(side)] += static_cast<std::uint32_t>(payload.size()) + (flags & fin);
    };
    for (const Step& s : steps) {
        std::string_view left = s.bytes;
        while (!left.empty()) {
            const std::string_view piece =
                left.substr(0, largest == 0 ? left.size() : 1 + random.below(static_cast<std::uint32_t>(largest)));
            left.remove_prefix(piece.size());
            add(s.side, piece, ack);
        }
        if (s.kind == Step::Kind::gap) next[index(s.side)] += static_cast<std::uint32_t>(s.length);
    }
    for (const Side side : {Side::orig, Side::resp}) add(side, {}, ack | fin);
    return frames;
}

struct Captured {
    bool v6 = false;
    bool shuffled = false;
    bool lossy = false;
    bool secret = false;
};

/// What the engine makes of the frames, and of some of them twice.
std::string records_of(const std::vector<Frame>& frames, const Captured& how, Random& random) {
    Records records(how.secret);
    EngineOptions options;
    options.validate_checksums = false;
    options.analyzer.max_invalid_mail_transactions = 3;
    Engine engine(options, records);
    // The handshake comes first: before it, order would tell where the streams begin.
    std::uint64_t captured = 0;
    std::deque<const Frame*> coming;
    for (const Frame& f : frames) coming.push_back(&f);
    while (!coming.empty()) {
        const std::size_t reach = how.shuffled && captured >= 2 ? std::min<std::size_t>(coming.size(), 6) : 1;
        const std::size_t i = random.below(static_cast<std::uint32_t>(reach));
        const bool lost = how.lossy && random.below(8) == 0;
        if (!lost) {
            const std::string bytes = bytes_of(*coming[i], how.v6);
            Packet p;
            p.ts = from_nanoseconds(1'700'000'000'000'000'000);
            if (how.lossy) p.ts += std::chrono::milliseconds(100) * captured;
            p.data = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
            p.wire_length = static_cast<std::uint32_t>(bytes.size());
            engine.packet(p);
        }
        ++captured;
        if (!how.shuffled || random.below(8) != 0) coming.erase(coming.begin() + static_cast<std::ptrdiff_t>(i));
    }
    engine.finish();
    const EngineStats s = engine.stats();
    ENSURE(s.packets == s.segments + s.not_tcp + s.malformed + s.fragments + s.bad_checksums);
    ENSURE(s.fragments == 0 && s.packets_reassembled == 0);
    ENSURE(s.flows_open == 0 && s.memory_held == 0);
    return records.text();
}

/// What the engine makes of the conversation as streams. `ends`: with the steps that say so.
enum class Cut { as_scripted, everywhere };
enum class Ends : bool { left_out, said };
std::string records_of_streams(const std::vector<Step>& steps, Cut cut, Ends ends, const Captured& how) {
    Records records(how.secret);
    EngineOptions options;
    options.analyzer.max_invalid_mail_transactions = 3;
    Engine engine(options, records);
    const Timestamp now = from_nanoseconds(1'700'000'000'000'000'000);
    const auto conversation = engine.open(id_of(how.v6), now);
    for (const Step& s : steps) {
        if (s.kind == Step::Kind::gap) conversation->gap(s.side, s.length, now);
        if (s.kind == Step::Kind::end && ends == Ends::said) conversation->end(s.side, now);
        if (s.kind == Step::Kind::data && cut == Cut::as_scripted) conversation->data(s.side, s.bytes, now);
        if (s.kind == Step::Kind::data && cut == Cut::everywhere)
            for (const char& c : s.bytes) conversation->data(s.side, {&c, 1}, now);
    }
    for (const Side side : {Side::orig, Side::resp}) conversation->end(side, now);
    conversation->finish(now);
    ENSURE(engine.stats().flows_open == 0);
    return records.text();
}

void ensure_same(const std::string& one, const std::string& other, const char* names) {
    if (one != other) std::fprintf(stderr, "---- %s:\n%s----\n%s", names, one.c_str(), other.c_str());
    ENSURE(one == other);
}

/// True if the password is only in the answers to 334.
bool only_auth_says(const std::vector<Step>& steps) {
    bool asked = false;
    for (const Step& s : steps) {
        if (s.kind == Step::Kind::gap) return false;
        if (s.kind != Step::Kind::data) continue;
        if (s.side == Side::resp) {
            if (s.bytes.find("hunter") != s.bytes.npos) return false;
            asked = s.bytes.starts_with("334 ") && s.bytes.find("\r\n") + 2 == s.bytes.size();
        } else {
            const bool answer = asked && s.bytes == std::string(password) + "\r\n";
            if (!answer && s.bytes.find("hunter") != s.bytes.npos) return false;
            asked = false;
        }
    }
    return true;
}

void run(Input in) {
    const std::uint8_t mode = in.byte();
    Random random(in.u32());
    const std::vector<Step> steps = fuzz::parse_script(in.rest());
    Captured how;
    how.v6 = (mode & 1) != 0;
    how.secret = only_auth_says(steps);
    const std::string plain = records_of(frames_of(steps, 0, random), how, random);
    how.shuffled = true;
    const std::vector<Frame> cut = frames_of(steps, 1 + mode / 4, random);
    const std::string shuffled = records_of(cut, how, random);
    ensure_same(plain, shuffled, "in order, then cut and shuffled");
    ensure_same(records_of_streams(steps, Cut::as_scripted, Ends::said, how),
                records_of_streams(steps, Cut::everywhere, Ends::said, how), "as streams, then cut");
    const bool complete =
        std::none_of(steps.begin(), steps.end(), [](const Step& s) { return s.kind == Step::Kind::gap; });
    if (complete)
        ensure_same(plain, records_of_streams(steps, Cut::as_scripted, Ends::left_out, how),
                    "in packets, then as streams");
    how.lossy = true;
    records_of(cut, how, random);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
