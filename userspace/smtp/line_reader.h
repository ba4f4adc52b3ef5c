// SPDX-License-Identifier: BSD-3-Clause
// One direction of a session as lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "smtp/spare_text.h"

namespace smtpscope::smtp {

/// What a line ended with.
enum class LineEnd : std::uint8_t { crlf, lf, cr };

/// A line without its end, or a piece of one that is longer than the limit.
struct Line {
    std::string_view text;
    bool begins = true;  ///< the line's first piece
    bool ends = true;    ///< and its last
    bool plain = true;   ///< ended by CRLF, as was the line before, and no NUL removed: all readers agree on it
    LineEnd before = LineEnd::crlf;  ///< what the line before ended with
    LineEnd end = LineEnd::crlf;

    bool whole() const { return begins && ends; }
};

/// What was seen for the first time; each is reported once.
struct LineOddities {
    bool nul = false;        ///< NUL_in_line
    bool single_cr = false;  ///< line_terminated_with_single_CR
    bool too_long = false;   ///< contentline_size_exceeded
};

/// Lines end with LF, with any number of CRs before it, or with a CR that no LF follows. The first NUL is removed, as
/// the reference does, and later ones are kept. The result does not depend on how the bytes are cut into calls.
class LineReader {
  public:
    /// The next line, which is removed from the front of `bytes`; nullopt when they are used up. The text lives in
    /// `bytes` or in the reader, until the next call.
    std::optional<Line> next(std::string_view& bytes, std::size_t limit);

    /// A line whose end is known only now that more bytes have come, if there is one; what belongs to it is removed
    /// from `bytes`. next() calls this first.
    std::optional<Line> due(std::string_view& bytes);
    /// The ordinary lines at the beginning of `bytes`, each with its end: whole, after a line of the same kind, ended
    /// by CRLF, without NUL, within the limit, and not beginning with a dot. They are removed from `bytes`; next() has
    /// to look at what is left.
    std::string_view plain_lines(std::string_view& bytes, std::size_t limit) const;

    /// Ends the line that was begun, if there is one: bytes are missing, or no more will come.
    std::optional<Line> flush();
    /// Releases a held line with only a dot, whose CR was the last byte: no LF will follow.
    std::optional<Line> release_dot();
    /// Like flush, but the line is dropped.
    void drop();
    /// What has come so far of the line that is due; valid until the next call.
    std::string_view partial() const { return partial_out_ ? std::string_view() : partial_.view(); }
    /// What comes next is not lines: an LF that belongs to the line before is still removed first.
    void skip_line_end(std::string_view& bytes);

    bool has_oddities() const { return oddities_.nul || oddities_.single_cr || oddities_.too_long; }
    LineOddities take_oddities();

  private:
    std::optional<Line> emit(std::string_view text, bool ends, LineEnd end);
    bool note_after_cr(std::string_view& bytes);

    SpareText partial_;               ///< the line so far
    bool partial_out_ = false;        ///< partial_ was handed out and becomes invalid at the next call
    bool mid_line_ = false;           ///< a piece of this line was handed out already
    bool after_cr_ = false;           ///< the last line ended with a CR, and its LF may follow
    bool dot_held_ = false;           ///< partial_ is a dot, and a CR was the last byte
    unsigned held_crs_ = 0;           ///< CRs after that CR: part of the line's end if an LF follows, else empty lines
    bool plain_ = true;               ///< of the line so far
    LineEnd before_ = LineEnd::crlf;  ///< how the line before ended
    bool nul_seen_ = false;
    bool cr_seen_ = false;
    bool long_seen_ = false;
    LineOddities oddities_;
};

}  // namespace smtpscope::smtp
