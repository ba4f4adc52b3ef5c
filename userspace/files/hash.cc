// SPDX-License-Identifier: BSD-3-Clause
#include "files/hash.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <new>
#include <string>

namespace smtpscope::files {

namespace {

/// Unused contexts of one thread, so that a small file costs no allocation.
class Pool {
  public:
    EVP_MD_CTX* take() {
        if (idle_.empty()) return EVP_MD_CTX_new();
        EVP_MD_CTX* context = idle_.back().release();
        idle_.pop_back();
        return context;
    }
    void give_back(EVP_MD_CTX* context) {
        Context owned(context);
        if (idle_.size() < most_idle) idle_.push_back(std::move(owned));
    }

  private:
    static constexpr std::size_t most_idle = 64;
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    using Context = std::unique_ptr<EVP_MD_CTX, Free>;
    std::vector<Context> idle_;
};

Pool& pool() {
    thread_local Pool of_thread;
    return of_thread;
}

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out(2 * size, '0');
    for (std::size_t i = 0; i < size; ++i) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return out;
}

std::optional<std::string>& field(FileInfo& rec, HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::md5:
            return rec.md5;
        case HashAlgorithm::sha1:
            return rec.sha1;
        case HashAlgorithm::sha256:
            break;
    }
    return rec.sha256;
}

}  // namespace

// With the old functions, OpenSSL 3 looks up an algorithm again on each use, which costs more than hashing a small
// file.
const evp_md_st* find_digest(HashAlgorithm algorithm) {
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    static const std::array<const EVP_MD*, 3> found = {EVP_MD_fetch(nullptr, "MD5", nullptr),
                                                       EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                                       EVP_MD_fetch(nullptr, "SHA256", nullptr)};
#else
    static const std::array<const EVP_MD*, 3> found = {EVP_md5(), EVP_sha1(), EVP_sha256()};
#endif
    return found[static_cast<std::size_t>(algorithm)];
}

Hasher::Hasher(const std::vector<HashAlgorithm>& algorithms) {
    digests_.reserve(algorithms.size());
    for (const HashAlgorithm algorithm : algorithms) {
        const EVP_MD* method = find_digest(algorithm);
        if (!method) continue;
        EVP_MD_CTX* context = pool().take();
        if (!context) throw std::bad_alloc();
        EVP_DigestInit_ex(context, method, nullptr);
        digests_.push_back({algorithm, context});
    }
}

Hasher::~Hasher() {
    for (const Digest& d : digests_) pool().give_back(d.context);
}

void Hasher::update(std::string_view bytes) {
    for (const Digest& d : digests_) EVP_DigestUpdate(d.context, bytes.data(), bytes.size());
}

void Hasher::finish(FileInfo& rec) {
    for (const Digest& d : digests_) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned size = 0;
        if (EVP_DigestFinal_ex(d.context, digest.data(), &size) == 1)
            field(rec, d.algorithm) = hexadecimal(digest.data(), size);
    }
}

}  // namespace smtpscope::files
