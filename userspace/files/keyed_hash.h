// SPDX-License-Identifier: BSD-3-Clause
// HMAC-SHA-256 (RFC 2104, FIPS 180-4): it replaces a value that is hidden. Equal values have equal hashes, and without
// the key the value cannot be found by trying.
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::files {

class KeyedHash {
  public:
    explicit KeyedHash(std::string key) : key_(std::move(key)) {}

    /// 64 lower-case hexadecimal digits. Thread-safe.
    std::string operator()(std::string_view value) const;

  private:
    std::string key_;
};

}  // namespace smtpscope::files
