// SPDX-License-Identifier: BSD-3-Clause
// The names of an enum's values as one table, read in both directions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace smtpscope {

template <class E>
using Name = std::pair<std::string_view, E>;

/// The first name of the value; empty if it has none.
template <class E, std::size_t N>
constexpr std::string_view name_in(const Name<E> (&table)[N], E value) {
    for (const auto& [name, named] : table)
        if (named == value) return name;
    return {};
}

/// The value of that name; nullopt if there is none.
template <class E, std::size_t N>
constexpr std::optional<E> value_in(const Name<E> (&table)[N], std::string_view name) {
    for (const auto& [known, value] : table)
        if (known == name) return value;
    return std::nullopt;
}

}  // namespace smtpscope
