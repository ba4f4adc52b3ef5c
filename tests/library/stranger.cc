// SPDX-License-Identifier: BSD-3-Clause
// The least that a program can do with the library.
#include <smtpscope/engine.h>
#include <smtpscope/version.h>
#include <cstdio>

int main() {
    smtpscope::RecordSink nobody;
    smtpscope::Engine engine({}, nobody);
    engine.finish();
    if (engine.stats().packets == 0) std::puts(SMTPSCOPE_VERSION);
}
