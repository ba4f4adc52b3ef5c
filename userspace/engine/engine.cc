// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/engine.h"

#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "net/decode.h"
#include "net/fragments.h"
#include "records/notices.h"
#include "records/session.h"
#include "records/software.h"
#include "smtp/analyzer.h"
#include "tcp/table.h"
#include "tls/beginning.h"
#include "tls/handshake.h"
#include "tls/record_finder.h"

namespace smtpscope {

namespace {

using records::Context;

/// The handshake after STARTTLS, from its first byte to its record.
class Encryption {
  public:
    Encryption(const ConnId& id, std::string uid) {
        ssl_.id = id;
        ssl_.uid = std::move(uid);
    }
    void data(Side side, std::string_view bytes, Timestamp ts) {
        const bool known = handshake_.recognized();
        handshake_.data(side, bytes);
        if (!known && handshake_.recognized()) ssl_.ts = ts;
    }
    void gap(Side side) { handshake_.gap(side); }
    bool done() const { return handshake_.done(); }
    /// nullptr if what followed was not TLS.
    const SslInfo* record() {
        if (!handshake_.recognized()) return nullptr;
        handshake_.fill(ssl_);
        return &ssl_;
    }

  private:
    SslInfo ssl_;
    tls::Handshake handshake_;
};

/// One connection: its streams through the SMTP analyzer into records.
class MailSession final : public tcp::Session {
  public:
    MailSession(const Context& context, const ConnId& id, Timestamp begin, tcp::Connection& conn)
        : records_(context, id, begin), analyzer_(context.options->limits, records_), conn_(&conn) {}

    void data(Side side, std::string_view bytes, Timestamp ts) override {
        if (side == Side::resp || begun_) return consume(side, bytes, ts);
        // Clients that expect TLS from the first byte on, as on port 465, are met on the other ports too.
        const std::string_view held = tls::first_bytes.substr(0, held_);
        const tls::Beginning beginning = tls::begins(held, bytes);
        if (beginning == tls::Beginning::perhaps) {
            held_ += static_cast<std::uint8_t>(bytes.size());
            return;
        }
        begun_ = true;
        held_ = 0;
        if (beginning == tls::Beginning::yes) begin_encryption();
        if (held.empty()) return consume(side, bytes, ts);
        consume(side, std::string(held).append(bytes), ts);
    }
    void gap(Side side, std::uint64_t length, Timestamp ts) override {
        release_held(side, ts);
        if (skipping_ == side)
            records_.ignored(length);
        else
            records_.missed(side, length);
        if (length == 0 && !late_) late_ = std::make_unique<std::array<tls::RecordFinder, 2>>();
        if (late_) (*late_)[index(side)] = {};
        if (encryption_) {
            encryption_->gap(side);
        } else {
            records_.set_time(ts);
            analyzer_.gap(side, length);
        }
        act();
    }
    void end(Side side, Timestamp ts) override {
        release_held(side, ts);
        records_.set_time(ts);
        analyzer_.end(side);
        act();
    }
    void sent_by(Side from, const Sender& sender) override { records_.sent_by(from, sender); }
    void finish(Timestamp ts, Ending why) override {
        release_held(Side::orig, ts);
        records_.set_time(ts);
        records_.set_ending(why);
        analyzer_.finish();
        end_encryption();
        records_.finish();
    }

    void describe(FlowSummary& summary) const override {
        summary.uid = records_.unique_id();
        summary.message_bytes = records_.message_bytes();
        if (encryption_ || (conn_->stopped() && reason_ == IgnoreReason::tls))
            summary.stage = FlowStage::tls;
        else if (conn_->stopped())
            summary.stage = FlowStage::ignored;
        else
            summary.stage = records_.in_message() ? FlowStage::message : FlowStage::commands;
    }
    void unwanted() override {
        if (FlowControl* const control = records_.shared().control) control->ignore(records_.conn_id(), reason_);
    }

  private:
    void consume(Side side, std::string_view bytes, Timestamp ts) {
        if (encryption_) {
            encryption_->data(side, bytes, ts);
        } else if (late_ && (*late_)[index(side)].data(bytes)) {
            encrypted_ = true;
        } else {
            records_.set_time(ts);
            if (skipping_ && skipping_ != side) skip(std::nullopt);  // the kernel has seen the answer too
            const std::string rest = analyzer_.data(side, bytes);
            records_.flush();
            const std::uint64_t limit = records_.shared().options->analyzer.max_message_bytes;
            if (limit > 0 && records_.shared().control && !skipping_ && records_.message_bytes() > limit) skip(side);
            if (records_.outcome() == records::Session::Outcome::tls) {
                begin_encryption();
                encryption_->data(side, rest, ts);
            }
        }
        act();
    }
    /// Nothing comes behind the first bytes: they were text.
    void release_held(Side side, Timestamp ts) {
        if (side == Side::resp || held_ == 0) return;
        begun_ = true;
        consume(side, tls::first_bytes.substr(0, std::exchange(held_, 0)), ts);
    }

    /// Once there is nothing more to learn, neither the kernel nor the reassembler need work for this connection.
    void act() {
        if (conn_->stopped()) return;
        const bool open = encryption_ ? !encryption_->done() : records_.outcome() == records::Session::Outcome::open;
        if (open && !encrypted_) return;
        reason_ = records_.outcome() == records::Session::Outcome::too_many_invalid_transactions
                      ? IgnoreReason::invalid_transactions
                      : IgnoreReason::tls;
        end_encryption();
        conn_->stop_delivery();
        ++records_.shared().stats->flows_ignored;
        if (FlowControl* const control = records_.shared().control) control->ignore(records_.conn_id(), reason_);
    }
    /// The rest of a message that is larger than anybody wants.
    void skip(std::optional<Side> side) {
        if (skipping_) conn_->set_skipping(*skipping_, false);
        skipping_ = side;
        if (!side) return;
        conn_->set_skipping(*side, true);
        records_.shared().control->skip_content(records_.conn_id(), *side);
    }
    void begin_encryption() { encryption_ = std::make_unique<Encryption>(records_.conn_id(), records_.unique_id()); }

    void end_encryption() {
        if (!encryption_) return;
        if (const SslInfo* ssl = encryption_->record()) {
            ++records_.shared().stats->tls_handshakes;
            records_.tls_handshake(*ssl);
        }
        encryption_.reset();
    }

    records::Session records_;
    smtp::Analyzer analyzer_;
    tcp::Connection* conn_;
    std::unique_ptr<Encryption> encryption_;  ///< since STARTTLS
    /// By side, if the connection began before the capture did: it may be encrypted.
    std::unique_ptr<std::array<tls::RecordFinder, 2>> late_;
    IgnoreReason reason_ = IgnoreReason::tls;
    std::optional<Side> skipping_;  ///< who sends content that is not captured
    std::uint8_t held_ = 0;         ///< of tls::first_bytes, how many the client has sent, and nothing else yet
    bool begun_ = false;            ///< it has said something, and that was passed on
    bool encrypted_ = false;        ///< it is, and its handshake was not seen
};

}  // namespace

class Engine::Impl final : public tcp::SessionFactory {
  public:
    Impl(const EngineOptions& options, RecordSink& sink, FlowControl* control, Hooks hooks)
        : options_(options),
          hooks_(std::move(hooks)),
          files_{&options_.files, hooks_.content},
          notices_(options_.notices, options_.uid_seed,
                   [this](const Notice& rec) {
                       ++stats_.notices;
                       waiting_.notice(rec);
                   }),
          software_(options_.software, options_.uid_seed),
          waiting_(options_, hooks_, sink, stats_),
          context_{&options_,  &sink,        &hooks_,  &stats_,   &files_, &notices_,
                   &software_, &extensions_, &owners_, &waiting_, control},
          fragments_(options_.limits),
          table_(options_.limits, options_.likely_server_ports, *this) {}

    void packet(const Packet& p) {
        const Packet captured = effective(p);
        net::Fragment fragment;
        if (look_at(captured, fragment) != net::Decoded::fragment) return;
        const std::optional<Packet> whole = fragments_.add(captured, fragment);
        if (!whole || (hooks_.reassembled && hooks_.reassembled(*whole))) return;
        look_at(*whole, fragment);  // which it is not
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
    }

    void set_options(const EngineOptions& options) {
        const auto ports = options_.likely_server_ports;
        const auto seed = options_.uid_seed;
        options_ = options;
        options_.likely_server_ports = ports;
        options_.uid_seed = seed;
        notices_.set_options(options_.notices);
        software_.set_options(options_.software);
    }

    std::vector<FlowSummary> flows(std::size_t limit) const { return table_.latest(limit); }

    EngineStats stats() const {
        EngineStats s = stats_;
        const tcp::TableStats& t = table_.stats();
        const tcp::Accounts& a = table_.accounts();
        s.segments = t.segments;
        s.stray = t.stray;
        s.not_mail = t.not_mail;
        s.flows_opened = t.opened;
        s.flows_evicted = t.evicted;
        s.flows_open = table_.size();
        s.gaps = a.gaps;
        s.gap_bytes = a.gap_bytes;
        s.overload_bytes = a.overload_bytes;
        s.skipped_bytes = a.skipped_bytes;
        s.memory_held = a.memory;
        add_fragments(s);
        return s;
    }

    std::unique_ptr<tcp::Session> open(const ConnId& id, Timestamp begin, tcp::Connection& conn) override {
        return std::make_unique<MailSession>(context_, id, begin, conn);
    }
    void closed(const ConnId& id) override {
        if (context_.control && !stays_known_) context_.control->forget(id);
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

    EngineOptions options_;
    Hooks hooks_;
    EngineStats stats_;
    files::Context files_;
    records::Notices notices_;
    records::SoftwareTracker software_;
    records::Shared<std::string> extensions_;
    records::Owners owners_;
    records::WaitingRoom waiting_;
    Context context_;
    net::Defragmenter fragments_;
    tcp::Table table_;
    bool stays_known_ = false;  ///< connections end here, not in the kernel: another process may go on with them
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
std::vector<FlowSummary> Engine::flows(std::size_t limit) const {
    return impl_->flows(limit);
}

}  // namespace smtpscope
