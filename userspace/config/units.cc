// SPDX-License-Identifier: BSD-3-Clause
#include "config/units.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/ascii.h"

namespace smtpscope::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::uint64_t kilo = 1000, kibi = 1024;

constexpr Unit size_units[] = {
    {"tib", kibi* kibi* kibi* kibi},
    {"gib", kibi* kibi* kibi},
    {"mib", kibi* kibi},
    {"kib", kibi},
    {"tb", kilo* kilo* kilo* kilo},
    {"gb", kilo* kilo* kilo},
    {"mb", kilo* kilo},
    {"kb", kilo},
    {"b", 1},
};

constexpr Unit duration_units[] = {
    {"w", 604'800'000'000'000},
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
};

template <std::size_t N>
std::optional<std::uint64_t> factor_of(const Unit (&units)[N], std::string_view name) {
    const auto* found = std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return u.name == name; });
    if (found == std::end(units)) return std::nullopt;
    return found->factor;
}

std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

std::size_t digits_at_front(std::string_view text) {
    const std::size_t n = text.find_first_not_of("0123456789");
    return n == std::string_view::npos ? text.size() : n;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const std::size_t digits = digits_at_front(text);
    const auto number = parse_number(text.substr(0, digits));
    std::string unit(text.substr(digits));
    if (!number || unit.empty()) return number;
    std::transform(unit.begin(), unit.end(), unit.begin(), to_lower);
    const auto factor = factor_of(size_units, unit);
    return factor ? multiply(*number, *factor) : std::nullopt;
}

std::string format_size(std::uint64_t bytes) {
    constexpr Unit spelled[] = {
        {"TiB", kibi * kibi * kibi * kibi}, {"GiB", kibi * kibi * kibi}, {"MiB", kibi * kibi}, {"KiB", kibi}};
    for (const Unit& u : spelled)
        if (bytes != 0 && bytes % u.factor == 0) return std::to_string(bytes / u.factor).append(u.name);
    return std::to_string(bytes);
}

std::optional<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration{};
    if (text.empty()) return std::nullopt;
    std::uint64_t total = 0;
    while (!text.empty()) {
        const std::size_t digits = digits_at_front(text);
        const auto number = parse_number(text.substr(0, digits));
        text.remove_prefix(digits);
        const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
        const auto factor = factor_of(duration_units, text.substr(0, letters));
        text.remove_prefix(letters);
        if (!number || !factor) return std::nullopt;
        const auto part = multiply(*number, *factor);
        if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
    }
    if (total > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return Duration(static_cast<std::int64_t>(total));
}

std::string format_duration(Duration d) {
    const auto ns = static_cast<std::uint64_t>(d.count());
    if (ns == 0) return "0";
    for (const Unit& u : duration_units)
        if (ns % u.factor == 0) return std::to_string(ns / u.factor).append(u.name);
    return std::to_string(ns).append("ns");
}

}  // namespace smtpscope::config
