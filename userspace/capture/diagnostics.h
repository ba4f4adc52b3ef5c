// SPDX-License-Identifier: BSD-3-Clause
// What libbpf and the kernel say when something fails, turned into words that help.
#pragma once

#include <string>
#include <vector>

namespace smtpscope::capture {

/// Collects libbpf's messages of this thread while it lives, instead of printing them.
class Diagnostics {
  public:
    Diagnostics();
    ~Diagnostics();
    Diagnostics(const Diagnostics&) = delete;
    Diagnostics& operator=(const Diagnostics&) = delete;

    /// The last warnings, at most a few thousand characters.
    const std::string& text() const { return text_; }

  private:
    friend struct DiagnosticsSink;
    std::string text_;
    Diagnostics* outer_;
};

/// Which of CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN this process lacks; CAP_SYS_ADMIN stands for the first two.
std::vector<std::string> missing_capabilities();

/// The reason of a failed load: capability, BTF, memory, or the verifier's last lines.
std::string explain_load_failure(int error, const std::string& messages);

/// `-5` or `5` to "Input/output error".
std::string error_text(int error);

}  // namespace smtpscope::capture
