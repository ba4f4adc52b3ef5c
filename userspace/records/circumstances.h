// SPDX-License-Identifier: BSD-3-Clause
// What a record says besides the mail: whose process took part in the session, and why the session was given up.
#pragma once

#include <memory>

#include "records/record_stats.h"
#include "records/shared.h"
#include "smtpscope/hooks.h"
#include "smtpscope/options.h"
#include "smtpscope/owner.h"
#include "smtpscope/packet.h"
#include "smtpscope/records.h"
#include "smtpscope/side.h"

namespace smtpscope::records {

struct OwnerHash {
    std::size_t operator()(const Owner& owner) const noexcept;
};
using Owners = Shared<Owner, OwnerHash>;

class Circumstances {
  public:
    /// Payload of `from` came from this process of this host. Where both ends are local, who sent the mail counts.
    void sent_by(Side from, const Sender& sender, const Hooks& hooks, Owners& owners);
    /// The fields of the process, as far as they are wanted. Counts the wanted fields that are still due.
    void fill(Info& rec, const ExtraFields& wanted, const Hooks& hooks, Owners& owners, RecordStats& stats);

  private:
    Sender sender_;                       ///< known() if it is on this host
    std::shared_ptr<const Owner> owner_;  ///< nullptr unless the sender is known
};

/// The text for the field `incomplete`; nullptr for a session that ended normally.
const char* name_of(Ending why);

}  // namespace smtpscope::records
