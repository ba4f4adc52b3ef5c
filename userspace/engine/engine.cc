// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/engine.h"

#include "engine/uid.h"
#include "net/decode.h"
#include "records/session.h"
#include "smtp/analyzer.h"
#include "tcp/table.h"

namespace smtpscope {

namespace {

/// One connection: its streams through the SMTP analyzer into records.
class MailSession final : public tcp::Session {
  public:
    MailSession(const records::Context& context, const ConnId& id, std::string uid, tcp::Connection& conn,
                FlowControl* control)
        : id_(id),
          records_(context, id, std::move(uid)),
          analyzer_(context.options->limits, records_),
          conn_(&conn),
          control_(control),
          stats_(context.stats) {}

    void data(Side side, std::string_view bytes, Timestamp ts) override {
        records_.set_time(ts);
        analyzer_.data(side, bytes);
        act();
    }
    void gap(Side side, std::uint64_t length, Timestamp ts) override {
        records_.set_time(ts);
        analyzer_.gap(side, length);
        act();
    }
    void end(Side side, Timestamp ts) override {
        records_.set_time(ts);
        analyzer_.end(side);
        act();
    }
    void finish(Timestamp ts) override {
        records_.set_time(ts);
        analyzer_.finish();
        records_.finish();
    }

  private:
    /// Once there is nothing more to learn, neither the kernel nor the reassembler need work for this connection.
    void act() {
        if (conn_->stopped() || records_.outcome() == records::Session::Outcome::open) return;
        conn_->stop_delivery();
        ++stats_->flows_ignored;
        if (control_) control_->ignore(id_, reason(records_.outcome()));
    }
    static IgnoreReason reason(records::Session::Outcome outcome) {
        return outcome == records::Session::Outcome::tls ? IgnoreReason::tls : IgnoreReason::invalid_transactions;
    }

    ConnId id_;
    records::Session records_;
    smtp::Analyzer analyzer_;
    tcp::Connection* conn_;
    FlowControl* control_;
    EngineStats* stats_;
};

}  // namespace

class Engine::Impl final : public tcp::SessionFactory {
  public:
    Impl(const EngineOptions& options, RecordSink& sink, FlowControl* control, Hooks hooks)
        : options_(options),
          hooks_(std::move(hooks)),
          control_(control),
          context_{&options_, &sink, &hooks_, &stats_},
          table_(options_.limits, options_.likely_server_ports, *this) {}

    void packet(const Packet& p) {
        ++stats_.packets;
        stats_.bytes += p.data.size();
        net::Segment s;
        switch (net::decode(effective(p), s)) {
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
    }

    void set_options(const EngineOptions& options) {
        const auto ports = options_.likely_server_ports;
        const auto seed = options_.uid_seed;
        options_ = options;
        options_.likely_server_ports = ports;
        options_.uid_seed = seed;
    }

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
        s.memory_held = a.memory;
        return s;
    }

    tcp::Table& table() { return table_; }

    std::unique_ptr<tcp::Session> open(const ConnId& id, Timestamp begin, tcp::Connection& conn) override {
        return std::make_unique<MailSession>(context_, id, engine::make_uid(options_.uid_seed, id, begin), conn,
                                             control_);
    }
    void unwanted(const ConnId& id) override {
        if (control_) control_->ignore(id, IgnoreReason::tls);
    }
    void closed(const ConnId& id) override {
        if (control_) control_->forget(id);
    }

  private:
    Packet effective(Packet p) const {
        if (!options_.validate_checksums) p.checksum = Checksum::ignore;
        return p;
    }

    EngineOptions options_;
    Hooks hooks_;
    FlowControl* control_;
    EngineStats stats_;
    records::Context context_;
    tcp::Table table_;
};

Engine::Engine(const EngineOptions& options, RecordSink& sink, FlowControl* control, Hooks hooks)
    : impl_(std::make_unique<Impl>(options, sink, control, std::move(hooks))) {}

Engine::~Engine() = default;

void Engine::packet(const Packet& p) {
    impl_->packet(p);
}
void Engine::advance(Timestamp now) {
    impl_->table().advance(now);
}
void Engine::finish() {
    impl_->table().finish();
}
void Engine::set_options(const EngineOptions& options) {
    impl_->set_options(options);
}
EngineStats Engine::stats() const {
    return impl_->stats();
}

}  // namespace smtpscope
