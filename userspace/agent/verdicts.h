// SPDX-License-Identifier: BSD-3-Clause
// The engine's verdicts on their way to the kernel.
#pragma once

#include "capture/capture.h"
#include "smtpscope/engine.h"

namespace smtpscope::agent {

class Verdicts final : public FlowControl {
  public:
    explicit Verdicts(capture::Capture& capture) : capture_(capture) {}

    void ignore(const ConnId& id, Disposition) override { capture_.set_verdict(id, Verdict::ignore, Verdict::ignore); }
    void skip_content(const ConnId& id, Side sender) override {
        const Verdict skip = Verdict::headers_until_answer, copy = Verdict::copy;
        capture_.set_verdict(id, sender == Side::orig ? skip : copy, sender == Side::orig ? copy : skip);
    }
    void forget(const ConnId& id) override { capture_.forget(id); }

  private:
    capture::Capture& capture_;
};

}  // namespace smtpscope::agent
