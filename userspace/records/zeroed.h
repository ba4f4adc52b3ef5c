// SPDX-License-Identifier: BSD-3-Clause
// An array of zero bytes. Unlike with a vector, unused memory is not touched, so a table that is sized for the worst
// case usually costs little.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace smtpscope::records {

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};

template <typename T>
using Zeroed = std::unique_ptr<T[], Free>;

template <typename T>
Zeroed<T> zeroed(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    void* const memory = std::calloc(count, sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    return Zeroed<T>(static_cast<T*>(memory));
}

}  // namespace smtpscope::records
