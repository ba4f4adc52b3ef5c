// SPDX-License-Identifier: BSD-3-Clause
#include "capture/live.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <set>

#include "capture/accounts.h"
#include "capture/attach.h"
#include "capture/choice.h"
#include "capture/clsact.h"
#include "capture/instance.h"
#include "capture/programs.h"
#include "capture/shard.h"
#include "net/decode.h"

namespace smtpscope::capture {
namespace {

/// The originator first.
smtpscope_ends ends_of(const ConnId& id) {
    smtpscope_ends ends{};
    std::memcpy(ends.address[0], id.orig_h.bytes().data(), sizeof(ends.address[0]));
    std::memcpy(ends.address[1], id.resp_h.bytes().data(), sizeof(ends.address[1]));
    ends.port[0] = htons(id.orig_p);
    ends.port[1] = htons(id.resp_p);
    return ends;
}

/// With the names that they have in every report.
std::vector<Counter> named(const smtpscope_counters& c) {
    const auto sum = [](const __u64* values, smtpscope_cause first, smtpscope_cause last) {
        std::uint64_t total = 0;
        for (int cause = first; cause <= last; ++cause) total += values[cause];
        return total;
    };
    const auto decided = [&](const __u64* values) { return sum(values, SMTPSCOPE_DELIVERED, SMTPSCOPE_LOST_TOO_LONG); };
    std::vector<Counter> all;
    all.reserve(std::size_t{2} * SMTPSCOPE_CAUSE_COUNT);
    for (int cause = 0; cause < SMTPSCOPE_CAUSE_COUNT; ++cause) all.push_back({cause_names[cause], c.packets[cause]});
    all[SMTPSCOPE_SEEN].value = decided(c.packets);
    all.push_back({"ignored", sum(c.packets, SMTPSCOPE_IGNORED_ACK, SMTPSCOPE_IGNORED_FLOW)});
    all.push_back({"lost", sum(c.packets, SMTPSCOPE_LOST_RING_FULL, SMTPSCOPE_LOST_TOO_LONG)});
    all.push_back({"in_flight",
                   c.packets[SMTPSCOPE_SEEN] - std::min<std::uint64_t>(c.packets[SMTPSCOPE_SEEN], decided(c.packets))});
    all.push_back({"bytes_seen", decided(c.bytes)});
    all.push_back({"bytes_delivered", c.bytes[SMTPSCOPE_DELIVERED]});
    all.push_back({"bytes_ignored", sum(c.bytes, SMTPSCOPE_IGNORED_ACK, SMTPSCOPE_IGNORED_FLOW)});
    all.push_back({"bytes_lost", sum(c.bytes, SMTPSCOPE_LOST_RING_FULL, SMTPSCOPE_LOST_TOO_LONG)});
    all.push_back({"wakeups", c.wakeups});
    return all;
}

std::string in_use(const Interface& interface, pid_t holder) {
    return interface.name + ": another smtpscope" +
           (holder > 0 ? " (process " + std::to_string(holder) + ")" : std::string()) +
           " is on this interface; stop it first, or leave the interface out of capture.interfaces";
}

class LiveCapture final : public Capture {
  public:
    LiveCapture(const Options& options, Inheritance inherited)
        : options_(options), inherited_(std::move(inherited)), programs_(options, &inherited_), accounts_(programs_) {
        const Duration longest_poll = options.wake_watermark == 0 ? Duration::max() : Shard::watermark_poll;
        for (unsigned i = 0; i < programs_.shards(); ++i)
            shards_.push_back(std::make_unique<Shard>(programs_.ring_fd(i), programs_.ring_size(),
                                                      &programs_.reader(i).need_wake, checksums_, longest_poll));
        const std::vector<Interface> present = list_interfaces();
        expect_named(options_.interfaces, present);
        follow(present);
        inherited_ = {};  // what was not taken ends
        std::vector<Interface> failed;
        std::copy_if(present.begin(), present.end(), std::back_inserter(failed),
                     [&](const Interface& i) { return given_up_.count(i.index) != 0; });
        if (!is_enough(options_.interfaces, watched_.size(), failed)) throw Error(take_problems());
    }

    unsigned shards() const override { return programs_.shards(); }
    Source& shard(unsigned number) override { return *shards_.at(number); }
    unsigned shard_of(const Packet& packet) const override {
        net::Segment s;
        Packet whole = packet;
        whole.checksum = Checksum::ignore;
        if (net::decode(whole, s) != net::Decoded::segment) return 0;
        return smtpscope_shard(programs_.hash(ends_of({s.src, s.sport, s.dst, s.dport})), shards());
    }
    bool took_over() const override { return programs_.took_over(); }
    const std::string& begun_anew() const override { return programs_.begun_anew(); }

    std::vector<Kept> kept() const override {
        std::vector<Kept> all = programs_.kept();
        const std::lock_guard lock(mutex_);
        for (const auto& [index, watched] : watched_)
            for (const auto& hook : watched.hooks)
                if (hook->link() >= 0)
                    all.push_back({kept_name(hook_name(index, hook->attachment.kind)), hook->link(), hook->inherited});
        return all;
    }

    void hand_over() override {
        const std::lock_guard lock(mutex_);
        for (const auto& [index, watched] : watched_)
            for (const auto& hook : watched.hooks) hook->leave();
    }

    void set_verdict(const ConnId& id, Verdict orig, Verdict resp) override {
        smtpscope_flow flow{};
        flow.ends = ends_of(id);
        flow.senders[0].verdict = static_cast<std::uint32_t>(orig);
        flow.senders[1].verdict = static_cast<std::uint32_t>(resp);
        programs_.set_flow(flow);
    }

    void forget(const ConnId& id) override { programs_.remove_flow(ends_of(id)); }

    std::optional<FlowCounters> flow(const ConnId& id) const override {
        const auto flow = programs_.find_flow(ends_of(id));
        if (!flow) return std::nullopt;
        FlowCounters c;
        c.orig = static_cast<Verdict>(flow->senders[0].verdict);
        c.resp = static_cast<Verdict>(flow->senders[1].verdict);
        for (int sender = 0; sender < 2; ++sender) {
            c.delivered_packets += flow->senders[sender].delivered_packets;
            c.delivered_bytes += flow->senders[sender].delivered_bytes;
            c.ignored_packets += flow->senders[sender].ignored_packets;
            c.ignored_bytes += flow->senders[sender].ignored_bytes;
        }
        return c;
    }

    std::vector<Counter> counters() const override {
        const std::lock_guard lock(mutex_);
        return named(accounts_.total());
    }

    std::vector<InterfaceCounters> interface_counters() const override {
        const std::lock_guard lock(mutex_);
        std::vector<InterfaceCounters> all;
        for (const Account& account : accounts_.by_interface()) {
            const auto it = watched_.find(account.ifindex);
            const std::string name = it == watched_.end() ? std::string() : it->second.interface.name;
            all.push_back({name, account.ifindex, named(account.counters)});
        }
        return all;
    }

    std::vector<RingLevel> ring_levels() const override {
        std::vector<RingLevel> all;
        for (const auto& shard : shards_) all.push_back(shard->level());
        return all;
    }

    std::vector<Attachment> attachments() const override {
        const std::lock_guard lock(mutex_);
        std::vector<Attachment> all;
        for (const auto& [index, watched] : watched_)
            for (const auto& hook : watched.hooks) all.push_back(hook->attachment);
        return all;
    }

    void follow_interfaces() override {
        const std::lock_guard lock(mutex_);
        stale_ |= monitor_.changed();
        if (stale_) follow(list_interfaces());  // where that fails, the next call tries again
        stale_ = false;
        if (!problems_.empty()) throw Error(take_problems());
    }

  private:
    struct Watched {
        Interface interface;
        InstanceLock lock;
        std::vector<std::unique_ptr<Hook>> hooks;
    };

    void follow(const std::vector<Interface>& present) {
        std::set<unsigned> watched;
        for (const auto& [index, entry] : watched_) watched.insert(index);
        const Choice choice = choose(options_.interfaces, present, watched);
        std::erase_if(given_up_, [&](const auto& entry) {
            return std::none_of(present.begin(), present.end(),
                                [&](const Interface& i) { return i.index == entry.first; });
        });
        for (const unsigned index : choice.end) end(index);
        for (const Interface& i : choice.go_on) update(watched_.at(i.index), i);
        for (const Interface& i : choice.begin) begin(i);
        for (const auto& [index, entry] : watched_) accounts_.set_bridge(index, bridge_of(entry.interface, present));
        publish_checksum_interfaces();
    }

    static void update(Watched& watched, const Interface& interface) {
        watched.interface = interface;
        for (const auto& hook : watched.hooks) hook->attachment.interface = interface.name;
    }

    void end(unsigned ifindex) {
        watched_.erase(ifindex);
        accounts_.close(ifindex);
    }

    /// A problem with one interface must not keep the others from being watched.
    void begin(const Interface& interface) {
        try {
            InstanceLock lock(interface.index);
            if (!lock.held()) throw Error(in_use(interface, lock.holder()));
            accounts_.open(interface.index);
            auto hooks = attach(programs_, interface, options_.xdp_mode, inherited_.empty() ? nullptr : &inherited_);
            watched_.emplace(interface.index, Watched{interface, std::move(lock), std::move(hooks)});
            given_up_.erase(interface.index);
        } catch (const Error& e) {
            accounts_.close(interface.index);
            std::string& told = given_up_[interface.index];
            if (told != e.what()) problems_.emplace_back(e.what());
            told = e.what();
        }
    }

    std::string take_problems() {
        std::string all;
        for (const std::string& problem : problems_) all += (all.empty() ? "" : "; ") + problem;
        problems_.clear();
        return all;
    }

    /// Native XDP sees a packet as the NIC received it; after that GRO has merged segments, and a virtual NIC may never
    /// have had the sum.
    void publish_checksum_interfaces() {
        std::vector<std::uint32_t> whole;
        if (options_.checksums == ChecksumMode::validate) {
            for (const auto& [index, watched] : watched_)
                for (const auto& hook : watched.hooks)
                    if (hook->attachment.kind == AttachKind::xdp_native && fills_in_checksums(watched.interface))
                        whole.push_back(index);
        }
        checksums_.set(std::move(whole));
    }

    const Options options_;
    Inheritance inherited_;  ///< until the constructor has ended
    Programs programs_;
    Accounts accounts_;
    ChecksumInterfaces checksums_;
    std::vector<std::unique_ptr<Shard>> shards_;
    LinkMonitor monitor_;  ///< before interfaces are listed first, so that no change is missed
    bool stale_ = false;   ///< something has changed since the interfaces were listed

    mutable std::mutex mutex_;  ///< guards accounts_ and the three below
    std::map<unsigned, Watched> watched_;
    std::map<unsigned, std::string> given_up_;  ///< wanted, and why they cannot be attached to
    std::vector<std::string> problems_;         ///< of these, what was not reported yet
};

}  // namespace

std::unique_ptr<Capture> open_live(const Options& options, Inheritance inherited) {
    return std::make_unique<LiveCapture>(options, std::move(inherited));
}

std::vector<std::string> detach_leftovers() {
    std::vector<std::string> lines;
    for (const Interface& interface : list_interfaces()) {
        std::vector<ClsactSide> sides;
        for (const ClsactSide side : {ClsactSide::ingress, ClsactSide::egress})
            if (!own_filters(interface.index, side).empty()) sides.push_back(side);
        if (sides.empty()) continue;
        const InstanceLock lock(interface.index);
        if (!lock.held()) {
            lines.push_back(interface.name + ": left alone, a running smtpscope" +
                            (lock.holder() > 0 ? " (process " + std::to_string(lock.holder()) + ")" : std::string()) +
                            " is on it");
            continue;
        }
        for (const ClsactSide side : sides)
            if (remove_own_filter(interface.index, side))
                lines.push_back(interface.name + ": removed the TC " + to_string(side) + " filter");
        if (remove_unused_qdisc(interface.index))
            lines.push_back(interface.name + ": removed the clsact queueing discipline, which has no filter any more");
    }
    return lines;
}

}  // namespace smtpscope::capture
