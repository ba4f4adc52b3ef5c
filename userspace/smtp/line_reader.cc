// SPDX-License-Identifier: BSD-3-Clause
#include "smtp/line_reader.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>

namespace smtpscope::smtp {

namespace {

bool is_mark(char c) {
    return c == '\r' || c == '\n' || c == '\0';
}

/// The first CR, LF or NUL from `from` on; the text's size if there is none.
std::size_t find_mark(std::string_view text, std::size_t from) {
    std::size_t i = from;
#ifdef __x86_64__
    // One comparison finds all three, and the few other control characters with lower codes.
    const __m128i last = _mm_set1_epi8('\r');
    for (; i + 32 <= text.size(); i += 32) {
        const auto* const p = reinterpret_cast<const __m128i*>(text.data() + i);
        const __m128i a = _mm_loadu_si128(p), b = _mm_loadu_si128(p + 1);
        const __m128i hit_a = _mm_cmpeq_epi8(_mm_min_epu8(a, last), a),
                      hit_b = _mm_cmpeq_epi8(_mm_min_epu8(b, last), b);
        auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit_a) | _mm_movemask_epi8(hit_b) << 16);
        for (; mask != 0; mask &= mask - 1)
            if (const std::size_t at = i + static_cast<std::size_t>(std::countr_zero(mask)); is_mark(text[at]))
                return at;
    }
#endif
    while (i < text.size() && !is_mark(text[i])) ++i;
    return i;
}

#ifdef __x86_64__

#define AVX2 __attribute__((target("avx2")))

const bool has_vectors = __builtin_cpu_supports("avx2") != 0;

/// A bit for each of 64 bytes that is `c`.
AVX2 std::uint64_t places_of(char c, __m256i first, __m256i second) {
    const __m256i wanted = _mm256_set1_epi8(c);
    const auto low = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(first, wanted))),
               high = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(second, wanted)));
    return low | std::uint64_t{high} << 32;
}

/// How long the lines are at the beginning of the text that end in CRLF, have no CR, LF or NUL in them and do not begin
/// with a dot, as far as blocks of 64 bytes tell.
AVX2 std::size_t plain_length(std::string_view text) {
    std::size_t end = 0;
    std::uint64_t after_cr = 0,
                  after_lf = 1;  // what the last byte of the previous block says about the first one of this block
    for (std::size_t i = 0; i + 64 <= text.size(); i += 64) {
        const auto* const p = reinterpret_cast<const __m256i*>(text.data() + i);
        const __m256i first = _mm256_loadu_si256(p), second = _mm256_loadu_si256(p + 1);
        const std::uint64_t cr = places_of('\r', first, second), lf = places_of('\n', first, second);
        const std::uint64_t odd = (lf ^ (cr << 1 | after_cr)) | places_of('\0', first, second) |
                                  (places_of('.', first, second) & (lf << 1 | after_lf));
        const std::uint64_t ends = lf & (odd != 0 ? (odd & -odd) - 1 : ~std::uint64_t{0});
        if (ends != 0) end = i + static_cast<std::size_t>(std::bit_width(ends));
        if (odd != 0) break;
        after_cr = cr >> 63;
        after_lf = lf >> 63;
    }
    return end;
}

#undef AVX2

#endif

}  // namespace

std::optional<Line> LineReader::emit(std::string_view text, bool ends, LineEnd end) {
    if (!partial_.empty()) {
        partial_ += text;
        partial_out_ = true;
        text = partial_.view();
    }
    const Line line{text, !mid_line_, ends, plain_ && end == LineEnd::crlf && before_ == LineEnd::crlf, before_, end};
    mid_line_ = !ends;
    if (ends) {
        plain_ = true;
        before_ = end;
    }
    return line;
}

/// After a CR: removes the LF that completes the line's end. True if an empty line is due instead.
bool LineReader::note_after_cr(std::string_view& bytes) {
    while (after_cr_ && !bytes.empty()) {
        // A CR that was the last byte counted as half of a CRLF until now.
        if (bytes[0] != '\n') before_ = LineEnd::cr;
        if (bytes[0] == '\r') {
            ++held_crs_;
            bytes.remove_prefix(1);
            continue;
        }
        if (bytes[0] == '\n') {
            bytes.remove_prefix(1);
            held_crs_ = 0;
        } else if (!cr_seen_) {
            oddities_.single_cr = cr_seen_ = true;
        }
        after_cr_ = false;
    }
    if (after_cr_ || held_crs_ == 0) return false;
    --held_crs_;
    return true;
}

std::optional<Line> LineReader::due(std::string_view& bytes) {
    if (partial_out_) {
        partial_.clear();
        partial_out_ = false;
    }
    if (dot_held_ && !bytes.empty()) {
        dot_held_ = false;
        return emit({}, true, bytes[0] == '\n' ? LineEnd::crlf : LineEnd::cr);
    }
    if ((after_cr_ || held_crs_ > 0) && note_after_cr(bytes)) return emit({}, true, LineEnd::cr);
    return std::nullopt;
}

std::optional<Line> LineReader::next(std::string_view& bytes, std::size_t limit) {
    if (const auto line = due(bytes)) return line;
    if (bytes.empty()) return std::nullopt;

    std::size_t mark = find_mark(bytes, 0);
    const auto too_long = [&] { return limit > 0 && partial_.size() + mark > limit; };
    while (mark < bytes.size() && bytes[mark] == '\0' && !too_long()) {
        if (!nul_seen_) {
            oddities_.nul = nul_seen_ = true;
            plain_ = false;
            partial_ += bytes.substr(0, mark);
            bytes.remove_prefix(mark + 1);
            mark = find_mark(bytes, 0);
        } else {
            mark = find_mark(bytes, mark + 1);
        }
    }
    if (too_long()) {
        if (!long_seen_) oddities_.too_long = long_seen_ = true;
        const std::string_view piece = bytes.substr(0, limit - std::min(limit, partial_.size()));
        bytes.remove_prefix(piece.size());
        return emit(piece, false, LineEnd::lf);
    }
    if (mark == bytes.size()) {
        partial_ += bytes;
        bytes = {};
        return std::nullopt;
    }
    const std::string_view text = bytes.substr(0, mark);
    after_cr_ = bytes[mark] == '\r';
    bytes.remove_prefix(mark + 1);
    // A CR at the very end of the bytes counts as half of a CRLF until the next byte says otherwise.
    const bool crlf = after_cr_ && (bytes.empty() || bytes[0] == '\n');
    // For a line with only a dot too much depends on it: that line waits.
    if (crlf && bytes.empty() && !mid_line_ && partial_.size() + text.size() == 1 &&
        (partial_.view() == "." || text == ".")) {
        partial_ += text;
        dot_held_ = true;
        return std::nullopt;
    }
    if (crlf && !bytes.empty()) {
        bytes.remove_prefix(1);
        after_cr_ = false;
    }
    return emit(text, true, crlf ? LineEnd::crlf : after_cr_ ? LineEnd::cr : LineEnd::lf);
}

std::string_view LineReader::plain_lines(std::string_view& bytes, std::size_t limit) const {
    const bool in_between = partial_.empty() && !mid_line_ && !after_cr_ && !dot_held_ && held_crs_ == 0 && plain_;
    if (!in_between || before_ != LineEnd::crlf) return {};
    std::size_t end = 0;
#ifdef __x86_64__
    if (has_vectors && (limit == 0 || bytes.size() <= limit)) end = plain_length(bytes);
#endif
    while (end < bytes.size() && bytes[end] != '.') {
        const std::size_t mark = find_mark(bytes, end);
        if (mark + 1 >= bytes.size() || bytes[mark] != '\r' || bytes[mark + 1] != '\n') break;
        if (limit > 0 && mark - end > limit) break;
        end = mark + 2;
    }
    const std::string_view lines = bytes.substr(0, end);
    bytes.remove_prefix(end);
    return lines;
}

std::optional<Line> LineReader::release_dot() {
    if (!dot_held_) return std::nullopt;
    dot_held_ = false;
    return emit({}, true, LineEnd::cr);
}

std::optional<Line> LineReader::flush() {
    if (partial_out_) partial_.clear();
    partial_out_ = after_cr_ = dot_held_ = false;
    held_crs_ = 0;
    const bool any = !partial_.empty() || mid_line_;
    return any ? emit({}, true, LineEnd::lf) : std::nullopt;
}

void LineReader::drop() {
    partial_.clear();
    partial_out_ = mid_line_ = after_cr_ = dot_held_ = false;
    held_crs_ = 0;
    plain_ = true;
    before_ = LineEnd::crlf;
}

void LineReader::skip_line_end(std::string_view& bytes) {
    if (!after_cr_ || bytes.empty()) return;
    if (bytes[0] == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
}

LineOddities LineReader::take_oddities() {
    const LineOddities out = oddities_;
    oddities_ = {};
    return out;
}

}  // namespace smtpscope::smtp
