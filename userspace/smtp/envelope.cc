// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/envelope.h"

namespace smtpscope::smtp {

void Envelope::answered(Verb verb, std::uint16_t code) {
    switch (verb) {
        case Verb::mail:
            if (code < 300) begin();  // a refused MAIL does not change the current transaction
            break;
        case Verb::rcpt:
            if (code < 300)
                ++accepted_;
            else
                refused_ = true;
            break;
        case Verb::data:
            if (code != 354) close();
            break;
        case Verb::lhlo:
        case Verb::rset:
        case Verb::ehlo:
        case Verb::helo:
            if (code == 250) close();
            break;
        default:
            break;
    }
}

bool Envelope::stands_before(Verb next, std::uint32_t replies) const {
    if (!open_ || (next != Verb::rcpt && next != Verb::data && next != Verb::bdat)) return false;
    const std::uint32_t before_rcpt = refused_ && accepted_ == 0 ? 1 : 2;
    return replies < before_rcpt + (next == Verb::rcpt ? 0 : 1);
}

}  // namespace smtpscope::smtp
