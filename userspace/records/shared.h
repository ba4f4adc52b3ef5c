// SPDX-License-Identifier: BSD-3-Clause
// Values that many sessions have in common, held once.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace smtpscope::records {

/// Remembers the last values that were given out, one for each hash. A value that many sessions have (what a server
/// offers, the service that a process belongs to) is held once; a replaced one lives as long as its sessions, so this
/// cannot grow.
template <class T, class Hash = std::hash<T>>
class Shared {
  public:
    std::shared_ptr<const T> operator()(T value) {
        std::shared_ptr<const T>& known = known_[Hash{}(value) % size];
        if (!known || *known != value) known = std::make_shared<const T>(std::move(value));
        return known;
    }

  private:
    static constexpr std::size_t size = 64;
    std::array<std::shared_ptr<const T>, size> known_;
};

}  // namespace smtpscope::records
