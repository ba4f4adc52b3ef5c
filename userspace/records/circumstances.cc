// SPDX-License-Identifier: BSD-3-Clause
#include "records/circumstances.h"

#include <utility>

namespace smtpscope::records {
namespace {

Owner owner_of(const Sender& sender, const Hooks& hooks) {
    return hooks.owner ? hooks.owner(sender) : Owner();
}

/// Cgroups are scanned at intervals and names may take long: what was missing at first may be known by now. What was
/// known is kept, because its cgroup may be gone.
bool may_become_known(const Owner& known) {
    return known.container.empty() && (known.unit.empty() || known.user.empty());
}

Owner completed(Owner known, Owner found) {
    if (known.unit.empty()) {
        known.unit = std::move(found.unit);
        known.container = std::move(found.container);
        known.unit_due = found.unit_due;
    }
    if (known.user.empty()) {
        known.user = std::move(found.user);
        known.user_due = found.user_due;
    }
    // A container has its own users, but was not known to be one when the user was looked up on this host.
    if (!known.container.empty()) known.user.clear();
    return known;
}

void set_if_known(std::optional<std::string>& field, const std::string& value) {
    if (!value.empty()) field = value;
}

}  // namespace

std::size_t OwnerHash::operator()(const Owner& owner) const noexcept {
    const std::hash<std::string> hash;
    return (hash(owner.user) * 31 + hash(owner.unit)) * 31 + hash(owner.container);
}

void Circumstances::sent_by(Side from, const Sender& sender, const Hooks& hooks, Owners& owners) {
    if (sender_.known() && from != Side::orig) return;
    sender_ = sender;
    owner_ = owners(owner_of(sender, hooks));
}

void Circumstances::fill(Info& rec, const ExtraFields& wanted, const Hooks& hooks, Owners& owners, RecordStats& stats) {
    if (!sender_.known()) return;
    if (may_become_known(*owner_)) owner_ = owners(completed(*owner_, owner_of(sender_, hooks)));
    stats.users_late += wanted.contains(ExtraField::process_user) && owner_->user.empty() && owner_->user_due;
    stats.units_late += wanted.contains(ExtraField::process_unit) && owner_->unit.empty() && owner_->unit_due;
    if (wanted.contains(ExtraField::process_uid)) rec.process_uid = sender_.uid;
    if (wanted.contains(ExtraField::process_user)) set_if_known(rec.process_user, owner_->user);
    if (wanted.contains(ExtraField::process_unit)) set_if_known(rec.process_unit, owner_->unit);
    if (wanted.contains(ExtraField::container)) set_if_known(rec.container, owner_->container);
}

const char* name_of(Ending why) {
    switch (why) {
        case Ending::closed:
            return nullptr;
        case Ending::timeout:
            return "timeout";
        case Ending::evicted:
            return "evicted";
        case Ending::end_of_capture:
            return "end_of_capture";
        case Ending::shutdown:
            return "shutdown";
    }
    return nullptr;
}

}  // namespace smtpscope::records
