// SPDX-License-Identifier: BSD-3-Clause
#include "records/community_id.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "files/hash.h"

namespace smtpscope::records {

namespace {

using Digest = std::array<std::uint8_t, 20>;

std::optional<Digest> sha1(const std::uint8_t* bytes, std::size_t size) {
    const EVP_MD* const algorithm = files::find_digest(HashAlgorithm::sha1);
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                                       &EVP_MD_CTX_free);
    Digest out{};
    if (!algorithm || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), bytes, size) != 1 ||
        EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
        return std::nullopt;
    return out;
}

struct Endpoint {
    std::array<std::uint8_t, 16> host{};
    std::size_t size = 0;
    std::uint16_t port = 0;
};

Endpoint endpoint(const Address& a, std::uint16_t port) {
    Endpoint e;
    e.size = a.is_v4() ? 4 : 16;
    e.port = port;
    std::memcpy(e.host.data(), a.bytes().data() + (16 - e.size), e.size);
    return e;
}

bool comes_first(const Endpoint& a, const Endpoint& b) {
    const int order = std::memcmp(a.host.data(), b.host.data(), a.size);
    return order < 0 || (order == 0 && a.port <= b.port);
}

}  // namespace

std::optional<std::string> community_id(const ConnId& id) {
    constexpr std::uint8_t tcp = 6;
    Endpoint a = endpoint(id.orig_h, id.orig_p), b = endpoint(id.resp_h, id.resp_p);
    if (!comes_first(a, b)) std::swap(a, b);
    std::array<std::uint8_t, 2 + 16 + 16 + 2 + 4> bytes{};  // begins with the seed
    std::size_t n = 2;
    for (const Endpoint* e : {&a, &b}) {
        std::memcpy(bytes.data() + n, e->host.data(), e->size);
        n += e->size;
    }
    bytes[n++] = tcp;
    bytes[n++] = 0;
    for (const Endpoint* e : {&a, &b}) {
        bytes[n++] = static_cast<std::uint8_t>(e->port >> 8);
        bytes[n++] = static_cast<std::uint8_t>(e->port);
    }
    const auto digest = sha1(bytes.data(), n);
    if (!digest) return std::nullopt;
    std::array<unsigned char, 29> text{};
    EVP_EncodeBlock(text.data(), digest->data(), static_cast<int>(digest->size()));
    return "1:" + std::string(text.begin(), text.end() - 1);
}

}  // namespace smtpscope::records
