// SPDX-License-Identifier: BSD-3-Clause
#include "records/companions.h"

#include <algorithm>
#include <utility>

#include "records/scope.h"

namespace smtpscope::records {

namespace {

constexpr std::uint64_t shares = 16;           // parts of Limits::waiting_memory; a connection may use one
constexpr std::uint64_t extracted_cost = 256;  // bytes that an extracted file holds elsewhere
constexpr std::uint64_t node_cost = 4 * sizeof(void*);

std::uint64_t RecordStats::*cause_of(Fate fate) {
    return fate == Fate::dropped ? &RecordStats::dropped_with_mail : &RecordStats::dropped_without_mail;
}

}  // namespace

// ---- the room

WaitingRoom::WaitingRoom(const EngineOptions& options, const Hooks& hooks, RecordSink& sink, RecordStats& stats)
    : options_(&options),
      sink_(&sink),
      stats_(&stats),
      content_(hooks.content),
      account_(hooks.waiting_memory ? hooks.waiting_memory : std::make_shared<std::atomic<std::uint64_t>>(0)) {}

void WaitingRoom::drop(const Record& record, ContentSink::Handle content, Scope& scope,
                       std::uint64_t RecordStats::*cause) const {
    if (content != ContentSink::none) content_->discard(content);
    if (const Weird* weird = std::get_if<Weird>(&record)) scope.untell(weird->name);
    ++(stats_->*cause);
}

void WaitingRoom::notice(const Notice& rec) const {
    if (speaking_of_ && is_open())
        speaking_of_->hold(rec, ContentSink::none);
    else
        sink_->notice(rec);
}

bool WaitingRoom::charge(std::uint64_t bytes, std::uint64_t limit) {
    if (account_->fetch_add(bytes) + bytes <= limit || limit == 0) {
        stats_->waiting_memory += bytes;
        return true;
    }
    account_->fetch_sub(bytes);
    return false;
}

void WaitingRoom::discharge(std::uint64_t bytes) {
    account_->fetch_sub(bytes);
    stats_->waiting_memory -= bytes;
}

/// No connection may take the room of all others: one that exceeds its share is given up, then the one that has waited
/// longest.
bool WaitingRoom::admit(Companions& who, std::uint64_t bytes) {
    const std::uint64_t limit = options_->limits.waiting_memory;
    if (limit > 0 && who.bytes_ + bytes > limit / shares) {
        who.give_up();
        if (bytes > limit / shares) return false;
    }
    while (!charge(bytes, limit)) {
        if (order_.empty()) return false;  // other engines hold it
        order_.front()->give_up();
    }
    return true;
}

// ---- a session's

Companions::~Companions() {
    for (auto it = waiting_.begin(); it != waiting_.end();) it = drop(it, &RecordStats::dropped_without_mail);
}

void Companions::add(Record&& record, ContentSink::Handle content, std::vector<smtp::Tag> mails) {
    const std::uint64_t bytes = sizeof(Waiting) + node_cost + footprint(record) + mails.capacity() * sizeof(smtp::Tag) +
                                (content == ContentSink::none ? 0 : extracted_cost);
    if (!room_->admit(*this, bytes)) return room_->drop(record, content, *scope_, &RecordStats::dropped_waiting);
    if (waiting_.empty()) turn_ = room_->order_.insert(room_->order_.end(), this);
    bytes_ += bytes;
    waiting_.push_back({std::move(record), content, std::move(mails), bytes});
}

void Companions::decide(smtp::Tag mail, Fate fate) {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        const auto found = std::find(it->mails.begin(), it->mails.end(), mail);
        const bool belongs = found != it->mails.end();
        if (belongs && fate != Fate::kept) {
            it = drop(it, cause_of(fate));
            continue;
        }
        if (belongs) it->mails.erase(found);
        if (!it->mails.empty()) {
            ++it;
            continue;
        }
        room_->deliver(it->record, it->content);
        it = take_out(it);
    }
}

void Companions::merge(smtp::Tag from, smtp::Tag into) {
    for (Waiting& w : waiting_) {
        const auto found = std::find(w.mails.begin(), w.mails.end(), from);
        if (found == w.mails.end()) continue;
        if (std::find(w.mails.begin(), w.mails.end(), into) == w.mails.end())
            *found = into;
        else
            w.mails.erase(found);
    }
}

void Companions::give_up() {
    for (auto it = waiting_.begin(); it != waiting_.end();) it = drop(it, &RecordStats::dropped_waiting);
}

Companions::Place Companions::drop(Place it, std::uint64_t RecordStats::*cause) {
    room_->drop(it->record, it->content, *scope_, cause);
    return take_out(it);
}

Companions::Place Companions::take_out(Place it) {
    bytes_ -= it->bytes;
    room_->discharge(it->bytes);
    const Place next = waiting_.erase(it);
    if (waiting_.empty()) room_->order_.erase(turn_);
    return next;
}

}  // namespace smtpscope::records
