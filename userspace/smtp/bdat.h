// SPDX-License-Identifier: BSD-3-Clause
// The octets of BDAT chunks (RFC 3030) as lines of a message. Chunks end anywhere, also within a line.
#pragma once

#include <string_view>

#include "smtp/protocol.h"
#include "smtp/spare_text.h"

namespace smtpscope::smtp {

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
