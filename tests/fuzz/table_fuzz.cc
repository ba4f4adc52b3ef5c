// SPDX-License-Identifier: BSD-3-Clause
// The connection table: a few hosts and ports that open, reuse, reset and forget connections in every order. A session
// lives from its first payload to its one end, and no limit is passed.
#include <set>
#include <string>

#include "fuzz.h"
#include "tcp/table.h"

namespace smtpscope {
namespace {

using fuzz::Input;
using net::Segment;

constexpr std::size_t max_flows = 6;
const char octets[256] = {};

class Sessions final : public tcp::SessionFactory {
  public:
    class One final : public tcp::Session {
      public:
        One(Sessions& all, tcp::Connection& conn, std::uint32_t stop_after)
            : all_(&all), conn_(&conn), stop_after_(stop_after) {
            ++all_->open_;
        }
        ~One() override {
            ENSURE(finished_);
            --all_->open_;
        }
        Disposition data(Side side, std::string_view bytes, Timestamp ts) override {
            check(side, ts);
            ENSURE(!bytes.empty());
            received_ += bytes.size();
            return stop_after_ != 0 && received_ >= stop_after_ ? Disposition::tls : Disposition::follow;
        }
        Disposition gap(Side side, std::uint64_t, Timestamp ts) override {
            check(side, ts);
            return Disposition::follow;
        }
        Disposition end(Side side, Timestamp ts) override {
            check(side, ts);
            ended_[index(side)] = true;
            return Disposition::follow;
        }
        void sent_by(Side, const Sender&) override { ENSURE(!finished_); }
        void finish(Timestamp, Ending) override {
            ENSURE(!finished_);
            finished_ = true;
        }
        void describe(FlowSummary& summary) const override {
            ENSURE(!finished_);
            summary.message_bytes = received_;
        }

      private:
        void check(Side side, Timestamp) const { ENSURE(!finished_ && !ended_[index(side)] && conn_->followed()); }
        Sessions* all_;
        tcp::Connection* conn_;
        std::uint32_t stop_after_;
        std::uint64_t received_ = 0;
        bool ended_[2] = {};
        bool finished_ = false;
    };

    explicit Sessions(std::uint32_t stop_after) : stop_after_(stop_after) {}
    std::unique_ptr<tcp::Session> open(const ConnId& id, Timestamp, tcp::Connection& conn) override {
        ENSURE(id.resp_p == 25);
        return std::make_unique<One>(*this, conn, stop_after_);
    }
    void ignore(const ConnId& id, Disposition why) override { ENSURE(id.resp_p == 25 && why == Disposition::tls); }
    void closed(const ConnId& id) override { ENSURE(id.resp_p == 25); }
    std::size_t open_sessions() const { return open_; }

  private:
    std::uint32_t stop_after_;
    std::size_t open_ = 0;
};

void run(Input in) {
    const char hosts[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    const std::uint16_t ports[] = {25, 1000, 1001, 1002};
    Limits limits;
    limits.flows = max_flows;
    limits.flow_memory = 1024;
    limits.memory = 2048;
    Sessions sessions(in.byte());
    tcp::Table table(limits, {25}, sessions);
    Timestamp now = from_nanoseconds(1'700'000'000'000'000'000);
    while (!in.empty()) {
        const std::uint8_t what = in.byte(), place = in.byte();
        Segment s;
        // Time goes on by milliseconds, now and then by minutes, and once in a while back.
        const auto step = std::chrono::milliseconds(in.byte());
        now += (what & 0xe0) == 0xe0 ? step * 2000 : (what & 0xe0) == 0xc0 ? -step : step;
        s.ts = now;
        s.src = Address::from_v4(hosts[place & 1]);
        s.dst = Address::from_v4(hosts[place >> 1 & 1]);
        s.sport = ports[place >> 2 & 3];
        s.dport = ports[place >> 4 & 3];
        s.flags = what & 0x1f;
        s.seq = std::uint32_t{in.byte()} << 4;
        s.ack_seq = std::uint32_t{in.byte()} << 4;
        s.payload = {octets, (place & 0x40) != 0 ? in.byte() : std::size_t{0}};
        s.wire_payload = static_cast<std::uint32_t>(s.payload.size() + ((place & 0x80) != 0 ? 100 : 0));
        table.segment(s);
        ENSURE(table.size() <= max_flows && sessions.open_sessions() <= table.size());
        const std::vector<FlowSummary> latest = table.latest(max_flows);
        ENSURE(latest.size() == table.size());
        for (std::size_t i = 1; i < latest.size(); ++i) ENSURE(latest[i - 1].last >= latest[i].last);
    }
    table.advance(now + std::chrono::hours(1));
    ENSURE(table.size() == 0 || table.now() < now);
    table.finish(Ending::shutdown);
    ENSURE(table.size() == 0 && sessions.open_sessions() == 0 && table.accounts().memory == 0);
    const tcp::TableStats& stats = table.stats();
    ENSURE(stats.stray + stats.not_mail <= stats.segments && stats.evicted <= stats.opened);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
