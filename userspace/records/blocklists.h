// SPDX-License-Identifier: BSD-3-Clause
// Whether the text of an error reply says that a blocklist is the reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtpscope::records {

/// A set of texts that are looked for in any case of ASCII letters, all at once: time is linear in the searched text.
class Blocklists {
  public:
    /// Looks for the known texts and for `more`, which must have at least four bytes each; shorter ones are not used.
    explicit Blocklists(const std::vector<std::string>& more = {});

    /// A text inside the domain of a mail address does not count: the reply repeats what the client said.
    bool mentioned_in(std::string_view reply) const;
    std::size_t size() const { return texts_.size(); }

  private:
    static constexpr std::size_t hash_bits = 14;
    static std::size_t hash(const char* text);
    bool matches(std::size_t hash, std::string_view rest) const;

    struct Text {
        std::size_t hash;
        std::string folded;
    };
    std::vector<Text> texts_;                                                 ///< by the hash of their first four bytes
    std::array<std::uint64_t, (std::size_t{1} << hash_bits) / 64> begins_{};  ///< a bit for each hash that occurs
};

}  // namespace smtpscope::records
