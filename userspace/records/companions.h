// SPDX-License-Identifier: BSD-3-Clause
// Records of other streams that wait for their mail, where a policy may drop mails: what belongs to a mail is kept or
// dropped with it, and is written before its smtp record is made. The extracted content of a file waits with its
// record.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "records/record.h"
#include "records/record_stats.h"
#include "smtp/protocol.h"
#include "smtpscope/content.h"
#include "smtpscope/hooks.h"
#include "smtpscope/options.h"
#include "smtpscope/policy.h"
#include "smtpscope/record_sink.h"

namespace smtpscope::records {

class Companions;
class Scope;

/// What happened to a mail.
enum class Fate : std::uint8_t {
    kept,
    dropped,
    unknown,  ///< there was content, and no smtp record that a policy could judge
};

/// One for each engine: counts all that waits, and passes it on or drops it.
class WaitingRoom {
  public:
    /// Its arguments outlive it.
    WaitingRoom(const EngineOptions& options, const Hooks& hooks, RecordSink& sink, RecordStats& stats);

    /// Whether records have to wait at all.
    bool is_open() const { return options_->policy && options_->policy->may_drop_mails(); }
    /// Passes a record to the sink.
    template <class Rec>
    void deliver(const Rec& rec, ContentSink::Handle content) const {
        if (content != ContentSink::none) content_->keep(content);
        records::deliver(rec, *sink_);
    }
    /// Drops a record. An oddity that was not reported this way may be reported again.
    void drop(const Record& record, ContentSink::Handle content, Scope& scope, std::uint64_t RecordStats::*cause) const;

    /// Notices are made for many sessions. `scope`: the session that the next ones are about; nullptr: they need not
    /// wait.
    void speak_of(Scope* scope) { speaking_of_ = scope; }
    void notice(const Notice& rec) const;

  private:
    friend class Companions;

    bool admit(Companions& who, std::uint64_t bytes);
    bool charge(std::uint64_t bytes, std::uint64_t limit);
    void discharge(std::uint64_t bytes);

    const EngineOptions* options_;
    RecordSink* sink_;
    RecordStats* stats_;
    ContentSink* content_;
    std::shared_ptr<std::atomic<std::uint64_t>> account_;
    std::list<Companions*> order_;  ///< those that hold something, the one that has waited longest first
    Scope* speaking_of_ = nullptr;
};

/// One for each session.
class Companions {
  public:
    /// A record belongs to transactions by their tags; this tag stands for the session.
    static constexpr smtp::Tag session = 0;

    /// Both outlive it.
    Companions(WaitingRoom& room, Scope& scope) : room_(&room), scope_(&scope) {}
    ~Companions();
    Companions(const Companions&) = delete;
    Companions& operator=(const Companions&) = delete;

    /// Waits until every one of `mails` is kept, or one of them is not.
    void add(Record&& record, ContentSink::Handle content, std::vector<smtp::Tag> mails);
    void decide(smtp::Tag mail, Fate fate);
    /// What belonged to `from` now belongs to `into`.
    void merge(smtp::Tag from, smtp::Tag into);
    /// There is no room: everything that waits is dropped.
    void give_up();

  private:
    friend class WaitingRoom;

    struct Waiting {
        Record record;
        ContentSink::Handle content;
        std::vector<smtp::Tag> mails;
        std::uint64_t bytes;
    };
    using Place = std::list<Waiting>::iterator;

    Place drop(Place it, std::uint64_t RecordStats::*cause);
    Place take_out(Place it);

    WaitingRoom* room_;
    Scope* scope_;
    std::list<Waiting> waiting_;  ///< as they came
    std::uint64_t bytes_ = 0;
    std::list<Companions*>::iterator turn_;  ///< in the room's order, while there is something in waiting_
};

}  // namespace smtpscope::records
