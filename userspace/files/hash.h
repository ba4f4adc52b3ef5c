// SPDX-License-Identifier: BSD-3-Clause
// The hashes of a file, as many as are asked for.
#pragma once

#include <string_view>
#include <vector>

#include "smtpscope/options.h"
#include "smtpscope/records.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace smtpscope::files {

/// libcrypto's EVP_MD of an algorithm, looked up once; nullptr if it is switched off there, as MD5 is in FIPS mode.
const evp_md_st* find_digest(HashAlgorithm algorithm);

class Hasher {
  public:
    explicit Hasher(const std::vector<HashAlgorithm>& algorithms);
    ~Hasher();
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;

    void update(std::string_view bytes);
    /// Fills in the record's hashes, in lower-case hexadecimal digits. To be called once.
    void finish(FileInfo& rec);

  private:
    struct Digest {
        HashAlgorithm algorithm;
        evp_md_ctx_st* context;
    };
    std::vector<Digest> digests_;
};

}  // namespace smtpscope::files
