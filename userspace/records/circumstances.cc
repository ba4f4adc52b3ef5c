// SPDX-License-Identifier: BSD-3-Clause
#include "records/circumstances.h"

#include <utility>

namespace smtpscope::records {
namespace {

Owner owner_of(const Sender& sender, const Hooks& hooks) {
    return hooks.owner ? hooks.owner(sender) : Owner();
}

/// Cgroups are looked for at intervals and names may take long: what was missing at first may be known by now. What was
/// known stays, for its cgroup may be gone.
void complete(Owner& known, const Sender& sender, const Hooks& hooks) {
    if (!known.container.empty() || (!known.unit.empty() && !known.user.empty())) return;
    Owner found = owner_of(sender, hooks);
    if (known.unit.empty()) {
        known.unit = std::move(found.unit);
        known.container = std::move(found.container);
    }
    if (known.user.empty()) known.user = std::move(found.user);
}

void set_if_known(std::optional<std::string>& field, const std::string& value) {
    if (!value.empty()) field = value;
}

}  // namespace

void Circumstances::sent_by(Side from, const Sender& sender, const Hooks& hooks) {
    if (process_ && from != Side::orig) return;
    process_ = std::make_unique<Process>(Process{sender, owner_of(sender, hooks)});
}

void Circumstances::fill(Info& rec, const ExtraFields& wanted, const Hooks& hooks) {
    if (!process_) return;
    complete(process_->owner, process_->sender, hooks);
    const Owner& owner = process_->owner;
    if (wanted.contains(ExtraField::process_uid)) rec.process_uid = process_->sender.uid;
    if (wanted.contains(ExtraField::process_user)) set_if_known(rec.process_user, owner.user);
    if (wanted.contains(ExtraField::process_unit)) set_if_known(rec.process_unit, owner.unit);
    if (wanted.contains(ExtraField::container)) set_if_known(rec.container, owner.container);
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
