// SPDX-License-Identifier: BSD-3-Clause
// What the fuzz targets share: the input read as numbers and bytes, and the check that ends a run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Holds also where assert() is switched off; the fuzzer keeps the input that made it fail.
#define ENSURE(condition)                                                                       \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                       \
        }                                                                                       \
    } while (false)

namespace smtpscope::fuzz {

/// The input from its front on. When it is used up, numbers are 0 and texts are empty.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

    bool empty() const { return left_.empty(); }
    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const char c = left_[0];
        left_.remove_prefix(1);
        return static_cast<std::uint8_t>(c);
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(byte() << 8 | byte()); }
    std::uint32_t u32() { return std::uint32_t{u16()} << 16 | u16(); }
    /// From 0 to n - 1; n is at most 65,536.
    std::uint32_t below(std::uint32_t n) { return n <= 1 ? 0 : (n <= 256 ? byte() : u16()) % n; }
    std::string_view text(std::size_t length) {
        const std::string_view out = left_.substr(0, length);
        left_.remove_prefix(out.size());
        return out;
    }
    std::string_view rest() { return text(left_.size()); }

  private:
    std::string_view left_;
};

/// A stream of numbers that depends on its seed alone: a few bytes of input decide many choices.
class Random {
  public:
    explicit Random(std::uint32_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    /// From 0 to n - 1.
    std::uint32_t below(std::uint32_t n) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return n == 0 ? 0 : static_cast<std::uint32_t>((state_ >> 16) % n);
    }

  private:
    std::uint64_t state_;
};

}  // namespace smtpscope::fuzz
