// SPDX-License-Identifier: BSD-3-Clause
// A copy of each element, which clang-tidy tells by its types alone.
#include <string>
#include <vector>

std::size_t length_of(const std::vector<std::string>& words) {
    std::size_t length = 0;
    for (const std::string word : words) length += word.size();
    return length;
}
