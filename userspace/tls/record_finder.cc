// SPDX-License-Identifier: BSD-3-Clause
#include "tls/record_finder.h"

#include <algorithm>
#include <cstring>

namespace smtpscope::tls {

namespace {
constexpr unsigned char first_type = 20, last_type = 23;  // change_cipher_spec to application_data
constexpr std::size_t longest_record = (1 << 14) + 2048;  // RFC 5246, 6.2.3

/// Whether the first `have` bytes may be a header's.
bool fits(const unsigned char* h, std::size_t have) {
    if (have > 0 && (h[0] < first_type || h[0] > last_type)) return false;
    if (have > 1 && h[1] != 3) return false;
    if (have > 2 && h[2] > 4) return false;
    const std::size_t length = have > 4 ? std::size_t{h[3]} << 8 | h[4] : 1;
    return length > 0 && length <= longest_record;
}
}  // namespace

/// The header's next byte; true if it completes the second one in a row.
bool RecordFinder::take(unsigned char byte) {
    header_[have_++] = byte;
    while (have_ > 0 && !fits(header_.data(), have_)) {
        // The header may begin at a later byte.
        behind_record_ = false;
        std::memmove(header_.data(), header_.data() + 1, --have_);
    }
    if (have_ < header_.size()) return false;
    if (behind_record_) return true;
    behind_record_ = true;
    skip_ = std::size_t{header_[3]} << 8 | header_[4];
    have_ = 0;
    return false;
}

bool RecordFinder::data(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t n = std::min(skip_, bytes.size());
        bytes.remove_prefix(n);
        skip_ -= n;
        if (bytes.empty()) return false;
        if (take(static_cast<unsigned char>(bytes[0]))) return true;
        bytes.remove_prefix(1);
    }
    return false;
}

}  // namespace smtpscope::tls
