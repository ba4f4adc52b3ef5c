// SPDX-License-Identifier: BSD-3-Clause
// A message that is being received: its content, by DATA or BDAT, and what is known about its losses.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtp/bdat.h"
#include "smtp/line_reader.h"
#include "smtp/protocol.h"

namespace smtpscope::smtp {

class Message {
  public:
    enum class Kind : std::uint8_t {
        lines,   ///< between DATA and its dot; from the command on, because clients need not wait for the 354
        chunks,  ///< BDAT
    };

    /// The handler outlives the message. The message begins at once.
    Message(Handler& handler, Kind kind) : handler_(&handler), kind_(kind) {}

    Kind kind() const { return kind_; }
    /// Its DATA was lost, and perhaps some or all of the message. The server has accepted DATA.
    void lose_beginning();
    void end();
    /// The connection is over: lost bytes may belong to more than the message.
    void cut_off() { sized_ &= lost_ == 0; }

    // ---- lines
    /// Notes how the line before ended, which is certain only when the next one has come.
    void note_line_end(const Line& next) { crlf_seen_ |= begun_ && next.before == LineEnd::crlf; }
    void line(const Line& line, bool crlf);
    /// Several lines, each with its CRLF, after the first one.
    void lines(std::string_view lines);
    /// A reply to DATA.
    void answered(std::uint16_t code) { accepted_ |= code == 354; }
    /// The reply to DATA may be in the lost bytes of the server.
    void reply_lost(bool due) { reply_lost_ = due; }

    bool has_begun() const { return begun_; }
    bool is_accepted() const { return accepted_; }
    /// A lost reply may have refused DATA, so that what comes is not content.
    bool may_be_refused() const { return reply_lost_ && !accepted_ && !begun_; }
    /// For a client that never ends lines with CRLF, other line ends mean nothing special.
    bool has_crlf() const { return crlf_seen_; }
    /// Bytes of the message were lost.
    bool is_gapped() const { return gapped_; }
    /// `length` bytes are lost. `torn`: what had come of a line; nullptr: nothing.
    void lose(std::uint64_t length, const Line* torn);
    /// The end was in the lost bytes. `more`: so was something after it.
    void lose_end(bool more);
    /// The end is in the lost bytes; what else they were is unknown.
    void lose_end_somewhere() { sized_ = false; }

    // ---- chunks
    bool chunk_is_due() const { return chunk_.is_due(); }
    /// All of the last chunk has come.
    bool is_complete() const { return chunk_.is_complete(); }
    void begin_chunk(const BdatArgument& arg) { chunk_.begin(arg); }
    /// Cuts the octets of the chunk off `bytes`.
    void chunk(std::string_view& bytes) { bdat_.data(chunk_.take(bytes), *handler_); }
    /// `length` bytes are lost within a chunk, whose size tells where it ends: only its lines are torn. Returns how
    /// many bytes are lost after the chunk.
    std::uint64_t lose_in_chunk(std::uint64_t length);
    /// Chunks are lost with their commands.
    void lose_chunks(std::uint64_t length);
    /// What has come of the chunks' last line is all of it.
    void finish_lines() { bdat_.finish(*handler_); }

  private:
    void report_lost();

    Handler* handler_;
    Chunk chunk_;
    BdatLines bdat_;
    std::uint64_t lost_ = 0;  ///< lost octets of it, or of its end, that are not reported yet
    Kind kind_;
    bool accepted_ = false;    ///< the 354 was seen
    bool reply_lost_ = false;  ///< bytes of the server were lost when it was due
    bool begun_ = false;       ///< a line was seen
    bool crlf_seen_ = false;   ///< a line ended with CRLF
    bool gapped_ = false;
    bool sized_ = true;      ///< its size is known: all bytes between its beginning and its end belong to it
    bool dot_torn_ = false;  ///< bytes were lost right after a dot at the beginning of a line
};

}  // namespace smtpscope::smtp
