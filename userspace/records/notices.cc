// SPDX-License-Identifier: BSD-3-Clause
#include "records/notices.h"

#include <functional>
#include <utility>

#include "smtpscope/text.h"

namespace smtpscope::records {

namespace {

constexpr std::uint16_t first_error = 400,
                        closing = 421;  // RFC 5321, 4.2.3: the server is closing, whoever the client is

bool names_first(std::string_view text, const Address& host) {
    const auto addresses = extract_ip_addresses(text, Wrapping::any);
    return !addresses.empty() && Address::parse(addresses.front()) == host;
}

}  // namespace

Notices::Notices(const NoticeOptions& options, std::uint64_t seed, Emit emit)
    : options_(options),
      seed_(seed),
      emit_(std::move(emit)),
      blocklists_(options.blocklist_texts),
      told_(options.max_suppressed),
      recipients_(options.max_hosts, options.burst_window, seed),
      auths_(options.max_hosts, options.burst_window, seed) {}

void Notices::set_options(const NoticeOptions& options) {
    blocklists_ = Blocklists(options.blocklist_texts);
    if (options.max_suppressed != options_.max_suppressed) told_ = RecentKeys(options.max_suppressed);
    if (options.max_hosts != options_.max_hosts || options.burst_window != options_.burst_window) {
        evicted_before_ += recipients_.evicted() + auths_.evicted();
        recipients_ = BurstTable(options.max_hosts, options.burst_window, seed_);
        auths_ = BurstTable(options.max_hosts, options.burst_window, seed_);
    }
    options_ = options;
}

NoticeStats Notices::stats() const {
    NoticeStats stats = stats_;
    stats.evicted_hosts = evicted_before_ + recipients_.evicted() + auths_.evicted();
    return stats;
}

std::int64_t Notices::suppression() const {
    return std::chrono::ceil<std::chrono::milliseconds>(options_.suppression_interval).count();
}

bool Notices::is_suppressed(Kind kind, const Address& host, std::uint64_t detail, Timestamp ts) {
    const std::uint64_t key = mix(mix(mix(seed_, static_cast<std::uint64_t>(kind)), detail), host);
    const bool suppressed = !told_.insert(key, to_milliseconds(ts), suppression());
    if (suppressed) ++stats_.suppressed;
    return suppressed;
}

void Notices::emit(const ConnId& id, std::string_view uid, Timestamp ts, std::string_view note, std::string msg,
                   std::string_view sub, std::uint64_t n) {
    ++stats_.emitted;
    if (!emit_) return;
    Notice notice;
    notice.ts = ts;
    notice.uid = uid;
    notice.id = id;
    notice.note = note;
    notice.msg = std::move(msg);
    notice.sub = sub;
    notice.src = id.orig_h;
    notice.dst = id.resp_h;
    notice.n = n;
    emit_(notice);
}

void Notices::reply(const ConnId& id, std::string_view uid, Timestamp ts, std::uint16_t code, std::string_view text) {
    if (code < first_error || code == closing || !blocklists_.mentioned_in(text)) return;
    const bool blocked = names_first(text, id.orig_h);
    if (is_suppressed(blocked ? Kind::blocked_host : Kind::blocklist_error, id.orig_h, 0, ts)) return;
    const std::string host = id.orig_h.to_string();
    if (blocked)
        emit(id, uid, ts, "SMTP::Blocklist_Blocked_Host", host + " is on an SMTP block list", text, 0);
    else
        emit(id, uid, ts, "SMTP::Blocklist_Error_Message",
             host + " received an error message mentioning an SMTP block list", text, 0);
}

void Notices::record(const Info& rec) {
    const SubnetSet& networks = options_.suspicious_origination_networks;
    const auto suspect = [&](const Address& origin, std::string_view source) {
        if (!networks.contains(origin)) return;
        emit(rec.id, rec.uid, rec.ts, "SMTP::Suspicious_Origination",
             std::string(source) + " originated from " + origin.to_string(), {}, 0);
    };
    if (networks.subnets().empty()) return;
    if (rec.x_originating_ip) suspect(*rec.x_originating_ip, "An email");
    if (!rec.path.empty()) suspect(rec.path.back(), "Based on its Received headers, an email");
}

void Notices::burst(BurstTable& table, std::uint32_t threshold, const ConnId& id, std::string_view uid, Timestamp ts,
                    std::string_view note, std::string_view what) {
    if (threshold == 0 || options_.burst_window <= Duration::zero()) return;
    const auto [state, n] = table.count(id.orig_h, to_milliseconds(ts), threshold, suppression());
    if (state == BurstTable::Burst::State::suppressed) ++stats_.suppressed;
    if (state != BurstTable::Burst::State::due) return;
    emit(id, uid, ts, note, id.orig_h.to_string() + " had " + std::to_string(n) + std::string(what), {}, n);
}

void Notices::rejected_recipient(const ConnId& id, std::string_view uid, Timestamp ts) {
    burst(recipients_, options_.rejected_recipients, id, uid, ts, "SMTP::Rejected_Recipients_Burst",
          " recipients rejected");
}

void Notices::failed_auth(const ConnId& id, std::string_view uid, Timestamp ts) {
    burst(auths_, options_.failed_auths, id, uid, ts, "SMTP::Auth_Failure_Burst", " authentications rejected");
}

void Notices::smuggled(const ConnId& id, std::string_view uid, Timestamp ts, std::string_view how) {
    if (is_suppressed(Kind::smuggling, id.orig_h, std::hash<std::string_view>{}(how), ts)) return;
    emit(id, uid, ts, "SMTP::Message_Smuggling", id.orig_h.to_string() + " hid a message behind the end of another",
         how, 0);
}

}  // namespace smtpscope::records
