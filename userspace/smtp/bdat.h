// SPDX-License-Identifier: BSD-3-Clause
// The octets of BDAT chunks (RFC 3030) as lines of a message. Chunks can end anywhere, even inside a line.
#pragma once

#include <cstdint>
#include <string_view>

#include "smtp/protocol.h"
#include "smtp/spare_text.h"

namespace smtpscope::smtp {

/// The chunk that is being received.
class Chunk {
  public:
    enum class State : std::uint8_t {
        none,  ///< before the first one and between two of them
        chunk,
        last,
    };

    void begin(const BdatArgument& arg);
    /// Takes the octets that belong to it from the front of `bytes`.
    std::string_view take(std::string_view& bytes);
    /// How many of `length` lost bytes belong to it.
    std::uint64_t lose(std::uint64_t length);

    /// More octets of it are to come.
    bool is_due() const { return left_ > 0; }
    bool is_last() const { return state_ == State::last; }
    /// All of the last chunk has come.
    bool is_complete() const { return is_last() && left_ == 0; }

  private:
    void advance(std::uint64_t octets);

    std::uint64_t left_ = 0;  ///< octets to come
    State state_ = State::none;
};

class BdatLines {
  public:
    static constexpr std::size_t max_line_length = 4096;  ///< bytes; the reference's SMTP::bdat_max_line_length

    void data(std::string_view octets, Handler& handler);
    /// The message is over; what is left is its last line, without an end.
    void finish(Handler& handler);
    bool has_partial() const { return !partial_.empty(); }

  private:
    static void plain_lines(std::string_view& octets, Handler& handler);
    static void pieces(std::string_view& line, Handler& handler);

    SpareText partial_;
};

}  // namespace smtpscope::smtp
