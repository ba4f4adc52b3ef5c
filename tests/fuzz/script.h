// SPDX-License-Identifier: BSD-3-Clause
// A conversation coded in bytes, so that what a fuzzer changes in it stays a conversation. A few bytes are directions,
// all others are said by the side that speaks.
#pragma once

#include <string_view>
#include <vector>

#include "fuzz.h"
#include "smtpscope/side.h"

namespace smtpscope::fuzz {

struct Step {
    enum class Kind { data, gap, end };
    Kind kind = Kind::data;
    Side side = Side::orig;
    std::string_view bytes;    ///< data
    std::uint64_t length = 0;  ///< gap
};

enum Direction : std::uint8_t {
    orig_speaks = 0x80,
    resp_speaks = 0x81,
    loses = 0x82,   ///< as many bytes as the next one says, and one more
    ends = 0x83,    ///< who speaks, sends no more
    pauses = 0x84,  ///< the next byte comes in a packet of its own
};

inline std::vector<Step> parse_script(std::string_view text) {
    std::vector<Step> steps;
    Side side = Side::orig;
    while (!text.empty()) {
        const auto c = static_cast<std::uint8_t>(text[0]);
        if (c < orig_speaks || c > pauses) {
            std::size_t n = 1;
            while (n < text.size() &&
                   (static_cast<std::uint8_t>(text[n]) < orig_speaks || static_cast<std::uint8_t>(text[n]) > pauses))
                ++n;
            steps.push_back({Step::Kind::data, side, text.substr(0, n), 0});
            text.remove_prefix(n);
            continue;
        }
        text.remove_prefix(1);
        if (c == orig_speaks || c == resp_speaks) side = c == orig_speaks ? Side::orig : Side::resp;
        if (c == ends) steps.push_back({Step::Kind::end, side, {}, 0});
        if (c == loses) {
            const auto length = text.empty() ? std::uint64_t{1} : std::uint64_t{static_cast<std::uint8_t>(text[0])} + 1;
            if (!text.empty()) text.remove_prefix(1);
            steps.push_back({Step::Kind::gap, side, {}, length});
        }
    }
    return steps;
}

}  // namespace smtpscope::fuzz
