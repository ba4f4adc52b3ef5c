// SPDX-License-Identifier: BSD-3-Clause
// Recognizes a TLS stream from somewhere in its middle.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace smtpscope::tls {

/// Looks for a record's header (RFC 8446, 5.1) with another one right behind its record. No text contains this, and in
/// random bytes about one place in 10^11 looks like it. Linear time, a few bytes of memory.
class RecordFinder {
  public:
    /// The stream's next bytes, however they are cut; true once it is TLS. Not to be called again after that.
    bool data(std::string_view bytes);

  private:
    bool take(unsigned char byte);

    std::array<unsigned char, 5> header_{};
    std::size_t have_ = 0;  ///< bytes of header_
    std::size_t skip_ = 0;  ///< bytes of a record to come
    bool behind_record_ = false;
};

}  // namespace smtpscope::tls
