// SPDX-License-Identifier: BSD-3-Clause
// The engine's verdicts on their way to the kernel.
#pragma once

#include "capture/live.h"
#include "smtpscope/engine.h"

namespace smtpscope::agent {

class Verdicts final : public FlowControl {
  public:
    explicit Verdicts(capture::LiveSource& source) : source_(source) {}

    void ignore(const ConnId& id, Disposition) override { source_.set_verdict(id, Verdict::ignore, Verdict::ignore); }
    void skip_content(const ConnId& id, Side sender) override {
        const Verdict skip = Verdict::headers_until_answer, copy = Verdict::copy;
        source_.set_verdict(id, sender == Side::orig ? skip : copy, sender == Side::orig ? copy : skip);
    }
    void forget(const ConnId& id) override { source_.forget(id); }

  private:
    capture::LiveSource& source_;
};

}  // namespace smtpscope::agent
