// SPDX-License-Identifier: BSD-3-Clause
#include "capture/live.h"

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

#include "capture/attach.h"
#include "capture/clsact.h"
#include "capture/instance.h"
#include "capture/interfaces.h"
#include "capture/programs.h"
#include "capture/records.h"
#include "capture/ring.h"

namespace smtpscope::capture {
namespace {

smtpscope_flow_key key_of(const ConnId& id) {
    smtpscope_flow_key ends{};
    std::memcpy(ends.address[0], id.orig_h.bytes().data(), sizeof(ends.address[0]));
    std::memcpy(ends.address[1], id.resp_h.bytes().data(), sizeof(ends.address[1]));
    ends.port[0] = htons(id.orig_p);
    ends.port[1] = htons(id.resp_p);
    if (!smtpscope_source_is_first(ends.address[0], ends.address[1], ends.port[0], ends.port[1])) {
        std::swap(ends.address[0], ends.address[1]);
        std::swap(ends.port[0], ends.port[1]);
    }
    return ends;
}

std::string in_use(const Interface& interface, pid_t holder) {
    return interface.name + ": another smtpscope" +
           (holder > 0 ? " (process " + std::to_string(holder) + ")" : std::string()) +
           " is on this interface; stop it first, or leave the interface out of capture.interfaces";
}

bool is_named(const std::vector<std::string>& wanted, const std::string& name) {
    return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

/// Names without wildcards must exist; `auto` and globs may find theirs later.
void require_named(const std::vector<std::string>& wanted, const std::vector<Interface>& present) {
    for (const std::string& name : wanted) {
        if (name == "auto" || name.find_first_of("*?[") != std::string::npos) continue;
        if (std::any_of(present.begin(), present.end(), [&](const Interface& i) { return i.name == name; })) continue;
        std::string names;
        for (const Interface& i : present) names.append(names.empty() ? "" : ", ").append(i.name);
        throw Error("no interface " + name + "; there are " + names);
    }
}

}  // namespace

class LiveSource::Impl {
  public:
    explicit Impl(const Options& options)
        : options_(options),
          programs_(options),
          ring_(programs_.ring_fd(), programs_.ring_size(), programs_.need_wake()) {
        const std::vector<Interface> present = list_interfaces();
        require_named(options_.interfaces, present);
        follow(present);
        // What was asked for by name must work; of `auto` and globs, something must.
        const bool named_failed = std::any_of(present.begin(), present.end(), [&](const Interface& i) {
            return given_up_.count(i.index) != 0 && is_named(options_.interfaces, i.name);
        });
        if (named_failed || (watched_.empty() && !problems_.empty())) throw Error(take_problems());
    }

    SourceStatus poll(Duration timeout, const PacketHandler& handler) {
        refresh_interfaces_with_whole_checksums();
        reader_.clock().refresh();
        const auto read = [&](std::span<const std::byte> record) {
            reader_.read(
                record, [&](std::uint32_t i) { return has_whole_checksums(i); }, handler);
        };
        if (ring_.consume(read) == 0) {
            ring_.wait(timeout);
            ring_.consume(read);
        }
        return SourceStatus::more;
    }

    void set_verdict(const ConnId& id, Verdict verdict) {
        smtpscope_flow flow{};
        flow.verdict = static_cast<std::uint32_t>(verdict);
        programs_.set_flow(key_of(id), flow);
    }

    void forget(const ConnId& id) { programs_.remove_flow(key_of(id)); }

    std::optional<FlowCounters> flow(const ConnId& id) const {
        const auto flow = programs_.find_flow(key_of(id));
        if (!flow) return std::nullopt;
        FlowCounters c;
        c.verdict = static_cast<Verdict>(flow->verdict);
        for (int sender = 0; sender < 2; ++sender) {
            c.delivered_packets += flow->delivered_packets[sender];
            c.delivered_bytes += flow->delivered_bytes[sender];
            c.ignored_packets += flow->ignored_packets[sender];
            c.ignored_bytes += flow->ignored_bytes[sender];
        }
        return c;
    }

    smtpscope_counters kernel_counters() const { return programs_.counters(); }
    RingLevel ring_level() const { return {ring_.fill(), ring_.size()}; }

    std::vector<Attachment> attachments() const {
        const std::lock_guard lock(mutex_);
        std::vector<Attachment> all;
        for (const auto& [index, watched] : watched_)
            for (const auto& hook : watched.hooks) all.push_back(hook->attachment);
        return all;
    }

    void follow_interfaces() {
        const std::lock_guard lock(mutex_);
        if (monitor_.changed()) follow(list_interfaces());
        if (!problems_.empty()) throw Error(take_problems());
    }

  private:
    struct Watched {
        Interface interface;
        InstanceLock lock;
        std::vector<std::unique_ptr<Hook>> hooks;
    };

    void follow(const std::vector<Interface>& present) {
        const auto is_present = [&](const auto& entry) {
            return std::any_of(present.begin(), present.end(),
                               [&](const Interface& i) { return i.index == entry.first; });
        };
        std::erase_if(watched_, [&](const auto& entry) { return !is_present(entry); });
        std::erase_if(given_up_, [&](const auto& entry) { return !is_present(entry); });
        for (const Interface& interface : present) {
            const auto known = watched_.find(interface.index);
            if (known != watched_.end()) {
                rename(known->second, interface);
            } else if (is_wanted(options_.interfaces, interface)) {
                begin(interface);
            }
        }
        publish_interfaces_with_whole_checksums();
    }

    static void rename(Watched& watched, const Interface& interface) {
        watched.interface = interface;
        for (const auto& hook : watched.hooks) hook->attachment.interface = interface.name;
    }

    /// One interface's trouble must not keep the others from being watched.
    void begin(const Interface& interface) {
        try {
            InstanceLock lock(interface.index);
            if (!lock.held()) throw Error(in_use(interface, lock.holder()));
            auto hooks = attach(programs_, interface, options_.xdp_mode);
            watched_.emplace(interface.index, Watched{interface, std::move(lock), std::move(hooks)});
            given_up_.erase(interface.index);
        } catch (const Error& e) {
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
    void publish_interfaces_with_whole_checksums() {
        std::vector<std::uint32_t> whole;
        if (options_.checksums == ChecksumMode::validate) {
            for (const auto& [index, watched] : watched_)
                for (const auto& hook : watched.hooks)
                    if (hook->attachment.kind == AttachKind::xdp_native && fills_in_checksums(watched.interface))
                        whole.push_back(index);
        }
        const std::lock_guard lock(whole_mutex_);
        whole_ = std::move(whole);
        ++whole_generation_;
    }

    void refresh_interfaces_with_whole_checksums() {
        if (whole_generation_.load(std::memory_order_acquire) == known_generation_) return;
        const std::lock_guard lock(whole_mutex_);
        known_whole_ = whole_;
        known_generation_ = whole_generation_;
    }

    bool has_whole_checksums(std::uint32_t ifindex) const {
        return std::find(known_whole_.begin(), known_whole_.end(), ifindex) != known_whole_.end();
    }

    const Options options_;
    Programs programs_;
    Ring ring_;
    RecordReader reader_;
    LinkMonitor monitor_;  ///< before the first look, so that nothing falls between

    mutable std::mutex mutex_;  ///< guards the four below
    std::map<unsigned, Watched> watched_;
    std::map<unsigned, std::string> given_up_;  ///< wanted, and why they cannot be had
    std::vector<std::string> problems_;         ///< of these, what nobody has been told yet

    std::mutex whole_mutex_;
    std::vector<std::uint32_t> whole_;  ///< ifindexes
    std::atomic<std::uint64_t> whole_generation_{0};
    std::vector<std::uint32_t> known_whole_;  ///< poll()'s copy of it
    std::uint64_t known_generation_ = 0;
};

LiveSource::LiveSource(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
LiveSource::~LiveSource() = default;

SourceStatus LiveSource::poll(Duration timeout, const PacketHandler& handler) {
    return impl_->poll(timeout, handler);
}
void LiveSource::set_verdict(const ConnId& id, Verdict verdict) {
    impl_->set_verdict(id, verdict);
}
void LiveSource::forget(const ConnId& id) {
    impl_->forget(id);
}
std::optional<FlowCounters> LiveSource::flow(const ConnId& id) const {
    return impl_->flow(id);
}
RingLevel LiveSource::ring_level() const {
    return impl_->ring_level();
}
std::vector<Attachment> LiveSource::attachments() const {
    return impl_->attachments();
}
void LiveSource::follow_interfaces() {
    impl_->follow_interfaces();
}

std::vector<Counter> LiveSource::counters() const {
    const smtpscope_counters c = impl_->kernel_counters();
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
