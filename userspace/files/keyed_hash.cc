// SPDX-License-Identifier: BSD-3-Clause
#include "files/keyed_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <stdexcept>

namespace smtpscope::files {
namespace {

constexpr std::size_t block_size = 64, digest_size = 32;
using Digest = std::array<unsigned char, digest_size>;

struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

// A value that cannot be hashed must not be written as it is.
void require(bool good) {
    if (!good) throw std::runtime_error("libcrypto computes no SHA-256.");
}

/// HMAC's two passes, each after the block that holds the key: setting up libcrypto again for each value costs ten
/// times as much as hashing a mail address.
class Hmac {
  public:
    explicit Hmac(const std::string& key) : key_(key) {
        std::array<unsigned char, block_size> block{};
        if (key.size() > block_size)
            require(EVP_Digest(key.data(), key.size(), block.data(), nullptr, EVP_sha256(), nullptr) == 1);
        else
            std::copy(key.begin(), key.end(), block.begin());
        begin(inner_, block, 0x36);
        begin(outer_, block, 0x5c);
    }
    const std::string& key() const { return key_; }

    Digest operator()(std::string_view value) const {
        Digest digest{};
        pass(inner_, value.data(), value.size(), digest);
        pass(outer_, digest.data(), digest.size(), digest);
        return digest;
    }

  private:
    static void begin(const Context& context, std::array<unsigned char, block_size> block, unsigned char pad) {
        for (unsigned char& byte : block) byte = static_cast<unsigned char>(byte ^ pad);
        require(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1 &&
                EVP_DigestUpdate(context.get(), block.data(), block.size()) == 1);
    }
    void pass(const Context& from, const void* data, std::size_t size, Digest& into) const {
        require(work_ && EVP_MD_CTX_copy_ex(work_.get(), from.get()) == 1 &&
                EVP_DigestUpdate(work_.get(), data, size) == 1 &&
                EVP_DigestFinal_ex(work_.get(), into.data(), nullptr) == 1);
    }

    std::string key_;
    Context inner_{EVP_MD_CTX_new()}, outer_{EVP_MD_CTX_new()}, work_{EVP_MD_CTX_new()};
};

const Hmac& of_this_thread(const std::string& key) {
    thread_local std::optional<Hmac> hmac;
    if (!hmac || hmac->key() != key) hmac.emplace(key);
    return *hmac;
}

}  // namespace

std::string KeyedHash::operator()(std::string_view value) const {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(2 * digest_size);
    for (const unsigned char byte : of_this_thread(key_)(value)) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

}  // namespace smtpscope::files
