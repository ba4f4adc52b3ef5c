// SPDX-License-Identifier: BSD-3-Clause
#include "mime/quoted_printable.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstdint>

#include "base/ascii.h"

namespace smtpscope::mime {

namespace {

constexpr std::size_t beyond = 16;  // octets that copy_plain() may write after its result

/// Copies characters that stand for themselves: up to the next `=`.
void copy_plain(const char*& in, const char* end, char*& to) {
#ifdef __SSE2__
    const __m128i equals = _mm_set1_epi8('=');
    while (end - in >= 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v);
        const auto mask = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, equals)));
        const int n = mask == 0 ? 16 : std::countr_zero(mask);
        in += n;
        to += n;
        if (n < 16) return;
    }
#endif
    while (in != end && *in != '=') *to++ = *in++;
}

}  // namespace

bool decode_quoted_printable(std::string_view line, std::string& out) {
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    const std::size_t before = out.size();
    out.resize(before + line.size() + beyond);
    char* to = out.data() + before;
    const char* in = line.data();
    const char* const end = in + line.size();
    for (;;) {
        if (in != end && *in != '=') copy_plain(in, end, to);
        if (in == end) break;
        ++in;
        const int high = end - in >= 2 ? hex_value(in[0]) : -1, low = high >= 0 ? hex_value(in[1]) : -1;
        if (low >= 0) {
            *to++ = static_cast<char>(high << 4 | low);
            in += 2;
        } else if (in != end) {
            *to++ = '=';
        }
    }
    out.resize(static_cast<std::size_t>(to - out.data()));
    return !line.ends_with('=');
}

}  // namespace smtpscope::mime
