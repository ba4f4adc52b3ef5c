// SPDX-License-Identifier: BSD-3-Clause
#include "records/login.h"

namespace smtpscope::records {

void Login::request(const smtp::Request& request) {
    if (request.verb == smtp::Verb::auth) {
        *this = {};
        begun_ = true;
        mechanism_ = request.arg;
    }
    if (begun_ && !request.user.empty()) user_ = std::string(request.user);
}

bool Login::answered(const smtp::Reply& reply) {
    if (!begun_ || reply.more || reply.code == 334) return false;
    success_ = reply.code < 300;
    if (reply.doubtful) success_.reset();
    return reply.code == 535;
}

void Login::commands_lost() {
    if (success_ == false) *this = {};
}

void Login::fill(Info& rec, const ExtraFields& wanted) const {
    if (wanted.contains(ExtraField::auth_mechanism) && !mechanism_.empty()) rec.auth_mechanism = mechanism_;
    if (wanted.contains(ExtraField::auth_user) && !user_.empty()) rec.auth_user = user_;
    if (wanted.contains(ExtraField::auth_success)) rec.auth_success = success_;
}

}  // namespace smtpscope::records
