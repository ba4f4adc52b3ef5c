// SPDX-License-Identifier: BSD-3-Clause
// Runs the test cases, of which one without any check fails, and sums them up.
#define CATCH_CONFIG_RUNNER  // version 2 has its implementation here

#include <cstddef>
#include <cstdio>
#include <string>

#include "catch.h"
#include "skip.h"

namespace smtpscope::test {
namespace {

#if __has_include(<catch2/catch_all.hpp>)
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

struct Tally {
    std::string running;  ///< the test case
    bool skipping = false;
    std::size_t passed = 0, failed = 0, skipped = 0;
};
Tally tally;

class Counter : public Listener {
  public:
    using Listener::Listener;
    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        Listener::testCaseStarting(info);
        tally.running = info.name;
        tally.skipping = false;
    }
    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        if (stats.totals.testCases.failed > 0)
            ++tally.failed;
        else if (tally.skipping)
            ++tally.skipped;
        else
            ++tally.passed;
        Listener::testCaseEnded(stats);
    }
};
CATCH_REGISTER_LISTENER(Counter)

int run(int argc, char** argv) {
    Catch::Session session;
    if (const int error = session.applyCommandLine(argc, argv); error != 0) return error;
    session.configData().warnings =
        static_cast<Catch::WarnAbout::What>(session.configData().warnings | Catch::WarnAbout::NoAssertions);
    const int result = session.run();
    const bool ran = tally.passed + tally.failed + tally.skipped > 0;
    if (ran) std::printf("cases: %zu passed, %zu failed, %zu skipped\n", tally.passed, tally.failed, tally.skipped);
    return result;
}

}  // namespace

void skip(const std::string& why) {
    tally.skipping = true;
    std::printf("skip  %s: %s\n", tally.running.c_str(), why.c_str());
    SUCCEED(why);
}

}  // namespace smtpscope::test

int main(int argc, char** argv) {
    return smtpscope::test::run(argc, argv);
}
