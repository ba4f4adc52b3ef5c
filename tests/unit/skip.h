// SPDX-License-Identifier: BSD-3-Clause
// Test cases that cannot be run everywhere: what is left out is reported and counted, and never counts as passed.
#pragma once

#include <string>

namespace smtpscope::test {

/// Whether a sanitizer has taken the place of the C library's allocator and slows everything down.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// The test case that runs cannot be run here, for this reason; it has to return at once. (Version 2 of Catch has no
/// SKIP.)
void skip(const std::string& why);

}  // namespace smtpscope::test
