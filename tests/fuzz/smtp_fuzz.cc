// SPDX-License-Identifier: BSD-3-Clause
// The SMTP analyzer: both directions, losses, TURN. However the same bytes are cut, the events are the same; events
// come in an order that makes sense; and of an AUTH dialogue no answer is in them.
#include <iostream>
#include <map>
#include <string>

#include "fuzz.h"
#include "script.h"
#include "smtp/analyzer.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using fuzz::Step;
using smtp::Verb;

/// Writes down the events, and checks each against those before it.
class Log final : public smtp::Handler {
  public:
    explicit Log(smtp::Tag last) : last_(last) {}
    const std::string& text() const { return text_; }
    bool in_data() const { return in_data_; }

    Answer smtp_request(const smtp::Request& r) override {
        if (r.verb == Verb::auth_answer || r.verb == Verb::unknown) ENSURE(r.arg.empty());
        ENSURE(!stopped_ && r.verb != Verb::greeting);
        ++tag_;
        line("request ", smtp::name_of(r.verb), r.arg, r.final);
        if (tag_ == last_) {
            stopped_ = true;
            return {0, Disposition::invalid_transactions};
        }
        waiting_[tag_] = r.verb;
        return {tag_};
    }
    void smtp_reply(const smtp::Reply& r) override {
        ENSURE(!stopped_ && r.code >= 100 && r.code <= 599);
        line("reply ", std::to_string(r.tag), smtp::name_of(r.verb), r.code, r.more, r.text);
        if (r.tag != 0) {
            const auto it = waiting_.find(r.tag);
            ENSURE(it != waiting_.end() && it->second == r.verb);
            if (!r.more) waiting_.erase(it);
        }
    }
    void smtp_reply_lost(smtp::Tag tag, Verb verb, bool final) override {
        line("lost ", std::to_string(tag), smtp::name_of(verb), final);
        if (tag == 0) return;
        const auto it = waiting_.find(tag);
        ENSURE(it != waiting_.end() && it->second == verb);
        waiting_.erase(it);
    }
    void smtp_commands_lost() override {
        ENSURE(!stopped_);
        line("commands lost");
    }
    void smtp_data_command_lost() override {
        ENSURE(!stopped_ && !in_data_);
        line("DATA lost");
    }
    void smtp_begin_data() override {
        ENSURE(!in_data_);
        in_data_ = true;
        line("begin");
    }
    void smtp_data(std::string_view bytes, bool crlf) override {
        ENSURE(in_data_);
        // A long line may be cut into pieces anywhere, as long as they make up the line.
        text_ += bytes;
        if (crlf) text_ += "\r\n";
    }
    void smtp_data_lines(std::string_view lines) override {
        ENSURE(in_data_ && lines.ends_with("\r\n"));
        text_ += lines;
    }
    void smtp_data_gap(std::uint64_t length) override {
        ENSURE(in_data_);
        line("gap ", std::to_string(length));
    }
    void smtp_end_data(bool sized) override {
        ENSURE(in_data_);
        in_data_ = false;
        line("end", sized ? "" : " somewhere");
    }
    void smtp_starttls() override {
        ENSURE(!stopped_);
        stopped_ = true;
        line("starttls");
    }
    void smtp_smuggled(std::string_view how) override { line("smuggled ", how); }
    void smtp_unexpected(Side side, std::string_view what, std::string_view detail) override {
        if (what == "unknown command") ENSURE(detail.empty());
        line("unexpected ", side == Side::orig ? "orig" : "resp", what, detail);
    }
    void smtp_weird(std::string_view name, std::string_view, std::string_view source) override {
        weirds_ += std::string(name) + " " + std::string(source) + "\n";
    }

  private:
    template <typename... Parts>
    void line(const Parts&... parts) {
        text_ += "\n[";
        (add(parts), ...);
        text_ += "]\n";
    }
    void add(std::string_view part) { text_ += std::string(part) + "|"; }
    void add(const std::string& part) { text_ += part + "|"; }
    void add(const char* part) { text_ += part; }
    void add(bool part) { text_ += part ? "T|" : "F|"; }
    void add(std::uint16_t part) { add(std::to_string(part)); }

    smtp::Tag last_, tag_ = 0;
    std::map<smtp::Tag, Verb> waiting_;  ///< without a whole reply
    std::string text_, weirds_;
    bool in_data_ = false;
    bool stopped_ = false;
};

enum class Cut { as_scripted, nowhere, everywhere };

std::string events(const std::vector<Step>& steps, const Limits& limits, smtp::Tag last, Cut cut) {
    Log log(last);
    smtp::Analyzer analyzer(limits, log);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const Step& s = steps[i];
        std::string bytes;
        switch (s.kind) {
            case Step::Kind::data:
                bytes = s.bytes;
                while (cut == Cut::nowhere && i + 1 < steps.size() && steps[i + 1].kind == Step::Kind::data &&
                       steps[i + 1].side == s.side)
                    bytes += steps[++i].bytes;
                if (cut == Cut::everywhere)
                    for (const char& c : bytes) analyzer.data(s.side, {&c, 1});
                else
                    analyzer.data(s.side, bytes);
                break;
            case Step::Kind::gap:
                analyzer.gap(s.side, s.length);
                break;
            case Step::Kind::end:
                analyzer.end(s.side);
                break;
        }
    }
    analyzer.finish();
    ENSURE(!log.in_data());
    return log.text();
}

void run(Input in) {
    Limits limits;
    const std::uint8_t limit = in.byte();
    if (limit != 0) limits.line_length = limit;
    limits.pending_commands = in.byte();
    const smtp::Tag last = in.byte();
    const std::vector<Step> steps = fuzz::parse_script(in.rest());
    const std::string whole = events(steps, limits, last, Cut::nowhere);
    for (const Cut cut : {Cut::as_scripted, Cut::everywhere}) {
        const std::string same = events(steps, limits, last, cut);
        if (same != whole) std::cerr << "---- uncut:\n" << whole << "\n---- cut:\n" << same << "\n";  // with their NULs
        ENSURE(same == whole);
    }
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
