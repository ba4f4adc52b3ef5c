// SPDX-License-Identifier: BSD-3-Clause
// Stands in for Catch2 where clang-tidy reads the tests: its macros are most of what there would be to look at, and
// none of it ours. A condition that is required holds behind it, as in a test that goes on; one that is checked need
// not.
#pragma once

#include <exception>
#include <string>

namespace Catch {
struct WarnAbout {
    enum What { Nothing, NoAssertions };
};
struct ConfigData {
    WarnAbout::What warnings;
};
struct Session {
    int applyCommandLine(int argc, char** argv);
    ConfigData& configData();
    int run();
};
struct TestCaseInfo {
    std::string name;
};
struct TestCaseStats {
    struct {
        struct {
            unsigned long failed;
        } testCases;
    } totals;
};
struct EventListenerBase {
    virtual ~EventListenerBase();
    virtual void testCaseStarting(const TestCaseInfo& info);
    virtual void testCaseEnded(const TestCaseStats& stats);
};
namespace Matchers {
template <typename T>
struct Matcher {
    explicit Matcher(const T& wanted) : wanted(wanted) {}
    const T& wanted;
};
}  // namespace Matchers
}  // namespace Catch

namespace lint {
struct Section {
    explicit Section(const std::string& name);
    explicit operator bool() const;
};
struct Message {
    template <typename T>
    const Message& operator<<(const T& part) const;
};
[[noreturn]] void end_test();
}  // namespace lint

#define LINT_JOIN_(a, b) a##b
#define LINT_JOIN(a, b) LINT_JOIN_(a, b)
#define TEST_CASE(...) static void LINT_JOIN(test_case_, __LINE__)()
#define CATCH_REGISTER_LISTENER(type) static const type listener;
#define SECTION(...) if (lint::Section{__VA_ARGS__})
#define REQUIRE(...)                          \
    do {                                      \
        if (!(__VA_ARGS__)) lint::end_test(); \
    } while (false)
#define CHECK(...) static_cast<void>(static_cast<bool>(__VA_ARGS__))
#define REQUIRE_FALSE(...) REQUIRE(!(__VA_ARGS__))
#define CHECK_FALSE(...) CHECK(!(__VA_ARGS__))
#define CHECK_NOTHROW(...) static_cast<void>(__VA_ARGS__)
#define REQUIRE_NOTHROW(...) static_cast<void>(__VA_ARGS__)
#define CHECK_THROWS(...)               \
    try {                               \
        static_cast<void>(__VA_ARGS__); \
        lint::end_test();               \
    } catch (const std::exception&) {   \
    }
#define CHECK_THROWS_AS(expression, type) \
    try {                                 \
        static_cast<void>(expression);    \
        lint::end_test();                 \
    } catch (const type&) {               \
    }
#define REQUIRE_THROWS_AS(expression, type) CHECK_THROWS_AS(expression, type)
#define CHECK_THROWS_WITH(expression, wanted) \
    static_cast<void>(wanted);                \
    CHECK_THROWS(expression)
#define INFO(...) static_cast<void>(lint::Message() << __VA_ARGS__)
#define UNSCOPED_INFO(...) INFO(__VA_ARGS__)
#define CAPTURE(...) static_cast<void>((__VA_ARGS__))
#define WARN(...) INFO(__VA_ARGS__)
#define SUCCEED(...) static_cast<void>(0)
#define FAIL(...)          \
    do {                   \
        INFO(__VA_ARGS__); \
        lint::end_test();  \
    } while (false)
#define FAIL_CHECK(...) INFO(__VA_ARGS__)
#define SKIP(...)          \
    do {                   \
        INFO(__VA_ARGS__); \
        lint::end_test();  \
    } while (false)
