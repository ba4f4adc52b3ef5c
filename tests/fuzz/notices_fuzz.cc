// SPDX-License-Identifier: BSD-3-Clause
// Notices and software. The first byte picks the tables' sizes, then each event is a byte for what happens, one for the
// host, one for the time that passes, and for some of them a length and a text. Suppression is held against a plain
// model where the table is large enough to forget nothing; the search for blocklists against a plain search.
#include <map>
#include <string>
#include <utility>

#include "fuzz.h"
#include "records/notices.h"
#include "records/software.h"
#include "smtpscope/text.h"

namespace smtpscope {
namespace {

using namespace records;

/// Whether `reply` is said to tell of a blocklist only if it does so in any case and after any text.
void search(const Blocklists& lists, std::string_view reply) {
    const bool found = lists.mentioned_in(reply);
    std::string upper(reply);
    for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
    ENSURE(lists.mentioned_in(upper) == found);
    ENSURE(lists.mentioned_in(std::string(reply) + " zen.spamhaus.org"));
    ENSURE(!found || lists.mentioned_in("padding " + std::string(reply)));
}

void parse(std::string_view text) {
    Software s;
    s.unparsed_version = text;
    parse_version(s);
    ENSURE(s.unparsed_version == text);
    ENSURE(s.name.size() <= text.size() + std::string_view("Android (Google Pixel)").size());
    ENSURE(!s.version_addl || s.version_addl->size() <= text.size() || *s.version_addl == "Mobile");
    matches_webmail(text, AnalyzerOptions{}.webmail_user_agents);
}

/// When each notice was told; the seconds since then decide whether it is told again.
class Told {
  public:
    explicit Told(Duration interval) : interval_(interval) {}
    bool expects(const std::string& what, Timestamp now) {
        const auto known = when_.find(what);
        if (known != when_.end() && now - known->second < interval_ && known->second - now < interval_) return false;
        when_[what] = now;
        return true;
    }

    /// Whether a table of 2,048 cannot have forgotten any.
    bool is_exact() const { return when_.size() < 100; }

  private:
    Duration interval_;
    std::map<std::string, Timestamp> when_;
};

class Run {
  public:
    explicit Run(fuzz::Input& in)
        : in_(in),
          options_(some_options(in.byte())),
          notices_(options_, 7, [this](const Notice& n) { take(n); }),
          tracker_(few(), 7),
          told_(options_.suppression_interval) {}

    void event() {
        const std::uint8_t what = in_.byte(), host = in_.byte();
        now_ += std::chrono::milliseconds((std::int64_t{in_.byte()} - 8) * 1000);
        const ConnId id = connection(host);
        const std::uint64_t before = notices_.stats().emitted;
        switch (what % 7) {
            case 0:
                reply(id);
                break;
            case 1:
                for (int i = what / 7; i >= 0; --i) notices_.rejected_recipient(id, "C1", now_);
                break;
            case 2:
                for (int i = what / 7; i >= 0; --i) notices_.failed_auth(id, "C1", now_);
                break;
            case 3: {
                const std::string how(in_.text(3));
                notices_.smuggled(id, "C1", now_, how);
                const bool news = notices_.stats().emitted != before;
                if (!small_ && told_.is_exact())
                    ENSURE(news == told_.expects("smuggled " + id.orig_h.to_string() + how, now_));
                break;
            }
            case 4:
                software(id);
                break;
            case 5:
                if (what >= 252) now_ += std::chrono::hours(24 * 365) * (host - 128);
                break;
            default:
                options_.burst_window = std::chrono::milliseconds(std::int64_t{host} * host);
                options_.failed_auths = host % 8;
                notices_.set_options(options_);
        }
        check();
    }

  private:
    NoticeOptions some_options(std::uint8_t choice) {
        NoticeOptions o;
        small_ = (choice & 1) != 0;
        o.max_hosts = small_ ? 8 : 1024;
        o.max_suppressed = small_ ? 8 : 2048;
        o.rejected_recipients = choice >> 1 & 15;
        o.suspicious_origination_networks = SubnetSet({*Subnet::parse("10.0.0.128/25")});
        o.blocklist_texts = {"Custom.example"};
        return o;
    }
    static const Blocklists& lists() {
        static const Blocklists lists({"Custom.example"});
        return lists;
    }
    static SoftwareOptions few() {
        SoftwareOptions o;
        o.max_tracked = 64;
        return o;
    }
    static ConnId connection(std::uint8_t host) {
        const std::uint8_t v4[4] = {10, 0, 0, host};
        std::uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, static_cast<std::uint8_t>(host >> 1 & 15)};
        v6[15] = host;
        ConnId id;
        id.orig_h = (host & 1) != 0 ? Address::from_v4(v4) : Address::from_v6(v6);
        return id;
    }

    void reply(const ConnId& id) {
        const std::uint16_t code = in_.u16() % 600;
        const std::string text(in_.text(in_.byte()));
        const NoticeStats before = notices_.stats();
        notices_.reply(id, "C1", now_, code, text);
        const NoticeStats after = notices_.stats();
        search(lists(), text);
        const bool tells = code >= 400 && code != 421 && lists().mentioned_in(text);
        ENSURE(after.emitted + after.suppressed == before.emitted + before.suppressed + (tells ? 1 : 0));
        if (!tells || small_ || !told_.is_exact()) return;
        const auto addresses = extract_ip_addresses(text, Wrapping::any);
        const bool blocked = !addresses.empty() && Address::parse(addresses[0]) == id.orig_h;
        const bool news = told_.expects((blocked ? "blocked " : "error ") + id.orig_h.to_string(), now_);
        ENSURE(news == (after.emitted > before.emitted));
        if (news) ENSURE(last_.sub == text && last_.note.ends_with(blocked ? "Blocked_Host" : "Error_Message"));
    }

    void software(const ConnId& id) {
        Info rec;
        rec.ts = now_;
        rec.id = id;
        rec.is_webmail = (id.orig_h.bytes()[15] & 2) != 0;
        rec.first_received = in_.text(12);
        rec.user_agent = in_.text(in_.byte());
        for (std::uint32_t n = in_.below(4); n > 0; --n) rec.path.push_back(connection(in_.byte()).orig_h);
        parse(*rec.user_agent);
        const auto found = detect(rec, {}, {});
        ENSURE(!found || (!rec.path.empty() && private_address_space().contains(found->host)));
        if (found) {
            tracker_.is_news(*found);
            ENSURE(!tracker_.is_news(*found));
        }
        if (in_.below(2) == 1) rec.x_originating_ip = id.orig_h;
        notices_.record(rec);
    }

    void take(const Notice& n) {
        ++taken_;
        last_ = n;
        ENSURE(n.note.starts_with("SMTP::") && !n.msg.empty() && n.src == n.id.orig_h);
        if (n.note == "SMTP::Rejected_Recipients_Burst") ENSURE(n.n >= options_.rejected_recipients && n.n > 0);
        if (n.note == "SMTP::Auth_Failure_Burst") ENSURE(n.n >= options_.failed_auths && n.n > 0);
    }
    void check() const {
        ENSURE(notices_.stats().emitted == taken_);
        ENSURE(notices_.hosts() <= 2 * std::max<std::size_t>(options_.max_hosts, 8));
    }

    fuzz::Input& in_;
    bool small_ = false;
    NoticeOptions options_;
    Notices notices_;
    SoftwareTracker tracker_;
    Told told_;
    Timestamp now_ = from_nanoseconds(1700000000000000000);
    std::uint64_t taken_ = 0;
    Notice last_;
};

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::fuzz::Input in(data, size);
    smtpscope::Run run(in);
    while (!in.empty()) run.event();
    return 0;
}
