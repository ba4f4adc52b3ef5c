// SPDX-License-Identifier: BSD-3-Clause
#include "format/number.h"

#include <charconv>
#include <chrono>
#include <ctime>

namespace smtpscope::format {
namespace {

/// Right-aligned with zeros before it.
void append_padded(std::string& out, std::uint64_t number, std::size_t width) {
    char digits[20] = {};
    for (std::size_t i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
    out.append(digits, width);
}

}  // namespace

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_seconds(std::string& out, std::int64_t microseconds, Zeros zeros) {
    constexpr std::uint64_t million = 1'000'000;
    auto magnitude = static_cast<std::uint64_t>(microseconds);
    if (microseconds < 0) {
        out += '-';
        magnitude = 0 - magnitude;
    }
    append_number(out, magnitude / million);
    out += '.';
    append_padded(out, magnitude % million, 6);
    if (zeros == Zeros::keep) return;
    const std::size_t point = out.size() - 7;
    const std::size_t last = out.find_last_not_of('0');
    out.resize(last == point ? point + 2 : last + 1);
}

void append_address(std::string& out, const Address& address) {
    if (!address.is_v4()) {
        out += address.to_string();
        return;
    }
    const std::uint8_t* v4 = address.bytes().data() + 12;
    for (int i = 0; i < 4; ++i) {
        if (i > 0) out += '.';
        append_number(out, v4[i]);
    }
}

void append_utc(std::string& out, Timestamp ts) {
    using namespace std::chrono;
    const auto us = floor<microseconds>(ts);
    const auto day = floor<days>(us);
    const year_month_day date(day);
    const auto of_day = static_cast<std::uint64_t>((us - day).count());
    const std::uint64_t seconds = of_day / 1'000'000;
    append_padded(out, static_cast<std::uint64_t>(int{date.year()}), 4);
    out += '-';
    append_padded(out, unsigned{date.month()}, 2);
    out += '-';
    append_padded(out, unsigned{date.day()}, 2);
    out += 'T';
    append_padded(out, seconds / 3600, 2);
    out += ':';
    append_padded(out, seconds / 60 % 60, 2);
    out += ':';
    append_padded(out, seconds % 60, 2);
    out += '.';
    append_padded(out, of_day % 1'000'000, 6);
    out += 'Z';
}

std::string local_stamp(Timestamp ts) {
    const time_t seconds = std::chrono::floor<std::chrono::seconds>(ts).time_since_epoch().count();
    tm parts{};
    char text[64];
    if (!::localtime_r(&seconds, &parts)) return "0";
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d-%H-%M-%S", &parts));
}

std::string utc_stamp(Timestamp ts) {
    std::string stamp;
    append_utc(stamp, ts);
    std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
    return stamp;
}

}  // namespace smtpscope::format
