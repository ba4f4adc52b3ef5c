// SPDX-License-Identifier: BSD-3-Clause
// The connections whose bytes come as streams: the counterpart of tcp::Table, which has those that come in packets.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "engine/mail_session.h"
#include "smtpscope/conversation.h"
#include "smtpscope/flow.h"

namespace smtpscope::engine {

class Conversations {
  public:
    /// `common` outlives it; its statistics are updated.
    explicit Conversations(const Common& common) : common_(&common) {}

    std::unique_ptr<Conversation> open(const ConnId& id, Timestamp begin);
    /// Ends all of them, in the order in which they were opened.
    void finish(Ending why);
    std::size_t size() const { return open_.size(); }
    /// All that are open, in no particular order.
    std::vector<FlowSummary> summaries() const;

  private:
    class Open;

    const Common* common_;
    std::list<Open*> open_;
};

}  // namespace smtpscope::engine
