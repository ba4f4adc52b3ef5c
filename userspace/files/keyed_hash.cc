// SPDX-License-Identifier: BSD-3-Clause
#include "files/keyed_hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

namespace smtpscope::files {

std::string KeyedHash::operator()(std::string_view value) const {
    constexpr char digits[] = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    // A value that cannot be hashed must not be written as it is.
    if (!HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
              reinterpret_cast<const unsigned char*>(value.data()), value.size(), mac.data(), &size))
        throw std::runtime_error("libcrypto computes no HMAC-SHA-256.");
    std::string out;
    out.reserve(2 * std::size_t{size});
    for (unsigned i = 0; i < size; ++i) {
        out += digits[mac[i] >> 4];
        out += digits[mac[i] & 15];
    }
    return out;
}

}  // namespace smtpscope::files
