// SPDX-License-Identifier: BSD-3-Clause
#include "engine/conversation.h"

#include <algorithm>
#include <array>

namespace smtpscope::engine {

class Conversations::Open final : public Conversation {
  public:
    Open(Conversations& all, const ConnId& id, Timestamp begin)
        : all_(&all),
          place_(all.open_.insert(all.open_.end(), this)),
          id_(id),
          begin_(begin),
          last_(begin),
          session_(*all.common_, id, begin, nullptr) {
        ++stats().flows_opened;
    }
    ~Open() override { close(); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    Disposition data(Side from, std::string_view bytes, Timestamp ts) override {
        if (bytes.empty() || !follows(from)) return disposition_;
        half(from).bytes += bytes.size();
        half(from).begun = true;
        return heed(session_.data(from, bytes, at(ts)));
    }

    Disposition gap(Side from, std::uint64_t length, Timestamp ts) override {
        if (!follows(from) || (length == 0 && half(from).begun)) return disposition_;
        half(from).begun = true;
        count_gap(from, length);
        return heed(session_.gap(from, length, at(ts)));
    }

    Disposition end(Side from, Timestamp ts) override {
        if (!follows(from)) return disposition_;
        half(from).ended = true;
        return heed(session_.end(from, at(ts)));
    }

    void sent_by(Side from, const Sender& sender) override {
        if (open_ && sender.known()) session_.sent_by(from, sender);
    }

    void finish(Timestamp ts, Ending why) override {
        if (!open_) return;
        close();
        session_.finish(at(ts), halves_[0].ended && halves_[1].ended ? Ending::closed : why);
    }

    void finish(Ending why) { finish(last_, why); }

    FlowSummary summary() const {
        FlowSummary s;
        s.id = id_;
        s.begin = begin_;
        s.last = last_;
        s.orig_bytes = halves_[index(Side::orig)].bytes;
        s.resp_bytes = halves_[index(Side::resp)].bytes;
        session_.describe(s);
        if (disposition_ != Disposition::follow)
            s.stage = disposition_ == Disposition::tls ? FlowStage::tls : FlowStage::ignored;
        if (halves_[0].ended || halves_[1].ended) s.stage = FlowStage::closing;
        return s;
    }

  private:
    struct Half {
        std::uint64_t bytes = 0;  ///< not counting those that are missing
        bool begun = false;
        bool ended = false;
    };

    EngineStats& stats() { return all_->common_->stats; }
    Half& half(Side s) { return halves_[index(s)]; }
    Timestamp at(Timestamp ts) { return last_ = std::max(last_, ts); }
    bool follows(Side from) const {
        return open_ && disposition_ == Disposition::follow && !halves_[index(from)].ended;
    }

    Disposition heed(Disposition answer) {
        if (answer != Disposition::follow) ++stats().flows_ignored;
        return disposition_ = answer;
    }

    void count_gap(Side from, std::uint64_t length) {
        if (session_.skips(from)) {
            stats().skipped_bytes += length;
            return;
        }
        if (length == 0) return;
        ++stats().gaps;
        stats().gap_bytes += length;
    }

    void close() {
        if (open_) all_->open_.erase(place_);
        open_ = false;
    }

    Conversations* all_;
    std::list<Open*>::iterator place_;
    ConnId id_;
    Timestamp begin_, last_;
    MailSession session_;
    std::array<Half, 2> halves_;
    Disposition disposition_ = Disposition::follow;
    bool open_ = true;
};

std::unique_ptr<Conversation> Conversations::open(const ConnId& id, Timestamp begin) {
    return std::make_unique<Open>(*this, id, begin);
}

void Conversations::finish(Ending why) {
    while (!open_.empty()) open_.front()->finish(why);
}

std::vector<FlowSummary> Conversations::summaries() const {
    std::vector<FlowSummary> all;
    for (const Open* one : open_) all.push_back(one->summary());
    return all;
}

}  // namespace smtpscope::engine
