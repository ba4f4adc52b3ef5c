// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/engine.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "engine/conversation.h"
#include "engine/mail_session.h"
#include "net/decode.h"
#include "net/fragments.h"
#include "records/notices.h"
#include "records/scope.h"
#include "records/software.h"
#include "tcp/table.h"

namespace smtpscope {

class Engine::Impl final : public tcp::SessionFactory {
  public:
    Impl(const EngineOptions& options, RecordSink& sink, FlowControl* control, Hooks hooks)
        : options_(options),
          hooks_(std::move(hooks)),
          files_{&options_.files, hooks_.content},
          notices_(options_.notices, options_.uid_seed,
                   [this](const Notice& rec) {
                       ++record_stats_.notices;
                       waiting_.notice(rec);
                   }),
          software_(options_.software, options_.uid_seed),
          waiting_(options_, hooks_, sink, record_stats_),
          records_{&options_, &sink,      &hooks_,      &record_stats_, &files_,
                   &notices_, &software_, &extensions_, &owners_,       &waiting_},
          common_{options_, records_, stats_, control},
          conversations_(common_),
          fragments_(options_.limits),
          table_(options_.limits, options_.likely_server_ports, *this) {}

    void packet(const Packet& p) {
        const Packet captured = effective(p);
        net::Fragment fragment;
        if (look_at(captured, fragment) != net::Decoded::fragment) return;
        const std::optional<Packet> whole = fragments_.add(captured, fragment);
        if (!whole || (hooks_.reassembled && hooks_.reassembled(*whole))) return;
        look_at(*whole, fragment);  // a whole packet: `fragment` stays unused
    }

    void advance(Timestamp now) {
        fragments_.advance(now);
        table_.advance(now);
    }
    bool waits_for_time() const { return !table_.empty() || !fragments_.empty(); }
    void finish(Ending why) {
        fragments_.finish();
        stays_known_ = why == Ending::shutdown;
        table_.finish(why);
        conversations_.finish(why);
    }
    std::unique_ptr<Conversation> open(const ConnId& id, Timestamp begin) { return conversations_.open(id, begin); }

    void set_options(const EngineOptions& options) {
        const auto ports = options_.likely_server_ports;
        const auto seed = options_.uid_seed;
        options_ = options;
        options_.likely_server_ports = ports;
        options_.uid_seed = seed;
        notices_.set_options(options_.notices);
        software_.set_options(options_.software);
    }

    std::vector<FlowSummary> flows(std::size_t limit) const {
        std::vector<FlowSummary> all = table_.latest(limit);
        if (conversations_.size() == 0) return all;
        for (FlowSummary& one : conversations_.summaries()) all.push_back(std::move(one));
        std::sort(all.begin(), all.end(), [](const FlowSummary& a, const FlowSummary& b) { return a.last > b.last; });
        all.resize(std::min(all.size(), limit));
        return all;
    }

    EngineStats stats() const {
        EngineStats s = stats_;
        const tcp::TableStats& t = table_.stats();
        const tcp::Accounts& a = table_.accounts();
        s.segments = t.segments;
        s.stray = t.stray;
        s.not_mail = t.not_mail;
        s.flows_opened += t.opened;
        s.flows_evicted = t.evicted;
        s.flows_ignored += t.ignored;
        s.flows_open = table_.size() + conversations_.size();
        s.gaps += a.gaps;
        s.gap_bytes += a.gap_bytes;
        s.overload_bytes = a.overload_bytes;
        s.skipped_bytes += a.skipped_bytes;
        s.memory_held = a.memory;
        add_fragments(s);
        add_records(s);
        return s;
    }

    std::unique_ptr<tcp::Session> open(const ConnId& id, Timestamp begin, tcp::Connection& conn) override {
        return std::make_unique<engine::MailSession>(common_, id, begin, &conn);
    }
    void ignore(const ConnId& id, Disposition why) override {
        if (common_.control) common_.control->ignore(id, why);
    }
    void closed(const ConnId& id) override {
        if (common_.control && !stays_known_) common_.control->forget(id);
    }

  private:
    Packet effective(Packet p) const {
        if (!options_.validate_checksums) p.checksum = Checksum::ignore;
        return p;
    }

    /// Counts the packet. A segment goes to its connection.
    net::Decoded look_at(const Packet& p, net::Fragment& fragment) {
        ++stats_.packets;
        stats_.bytes += p.data.size();
        net::Segment s;
        const net::Decoded kind = net::decode(p, s, &fragment);
        switch (kind) {
            case net::Decoded::segment:
                table_.segment(s);
                break;
            case net::Decoded::not_tcp:
                ++stats_.not_tcp;
                break;
            case net::Decoded::malformed:
                ++stats_.malformed;
                break;
            case net::Decoded::fragment:
                ++stats_.fragments;
                break;
            case net::Decoded::bad_checksum:
                ++stats_.bad_checksums;
                break;
        }
        return kind;
    }

    void add_fragments(EngineStats& s) const {
        const net::FragmentStats& f = fragments_.stats();
        s.fragments_reassembled = f.reassembled;
        s.fragments_repeated = f.repeated;
        s.fragments_expired = f.expired;
        s.fragments_overlapping = f.overlapping;
        s.fragments_invalid = f.invalid;
        s.fragments_evicted = f.evicted;
        s.fragments_cut = f.cut;
        s.fragments_held = f.held;
        s.packets_reassembled = f.packets;
        s.fragment_memory = f.memory;
    }

    void add_records(EngineStats& s) const {
        // By position, so that a member that is forgotten here is a compile error.
        const auto& [smtp, vetoed, weirds, files, notices, software, users, units, with_mail, without_mail, waiting,
                     memory] = record_stats_;
        s.smtp_records = smtp;
        s.vetoed_records = vetoed;
        s.weirds = weirds;
        s.files = files;
        s.notices = notices;
        s.software = software;
        s.users_late = users;
        s.units_late = units;
        s.dropped_with_mail = with_mail;
        s.dropped_without_mail = without_mail;
        s.dropped_waiting = waiting;
        s.waiting_memory = memory;
        s.notices_suppressed = notices_.stats().suppressed;
        s.notice_hosts_evicted = notices_.stats().evicted_hosts;
    }

    EngineOptions options_;
    Hooks hooks_;
    EngineStats stats_;
    records::RecordStats record_stats_;
    files::Context files_;
    records::Notices notices_;
    records::SoftwareTracker software_;
    records::Shared<std::string> extensions_;
    records::Owners owners_;
    records::WaitingRoom waiting_;
    records::Context records_;
    engine::Common common_;
    engine::Conversations conversations_;
    net::Defragmenter fragments_;
    tcp::Table table_;
    bool stays_known_ = false;  ///< connections end here, not in the kernel: another process may continue with them
};

Engine::Engine(const EngineOptions& options, RecordSink& sink, FlowControl* control, Hooks hooks)
    : impl_(std::make_unique<Impl>(options, sink, control, std::move(hooks))) {}

Engine::~Engine() = default;

void Engine::packet(const Packet& p) {
    impl_->packet(p);
}
void Engine::advance(Timestamp now) {
    impl_->advance(now);
}
bool Engine::waits_for_time() const {
    return impl_->waits_for_time();
}
void Engine::finish(Ending why) {
    impl_->finish(why);
}
void Engine::set_options(const EngineOptions& options) {
    impl_->set_options(options);
}
EngineStats& operator+=(EngineStats& sum, const EngineStats& one) {
    using Counts = std::array<std::uint64_t, sizeof(EngineStats) / sizeof(std::uint64_t)>;
    auto all = std::bit_cast<Counts>(sum);
    const auto more = std::bit_cast<Counts>(one);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += more[i];
    return sum = std::bit_cast<EngineStats>(all);
}
EngineStats Engine::stats() const {
    return impl_->stats();
}
std::unique_ptr<Conversation> Engine::open(const ConnId& id, Timestamp begin) {
    return impl_->open(id, begin);
}
std::vector<FlowSummary> Engine::flows(std::size_t limit) const {
    return impl_->flows(limit);
}

}  // namespace smtpscope
