// SPDX-License-Identifier: BSD-3-Clause
// The SMTP analyzer: two byte streams in, events out.
//
// It cuts the streams into lines and chunks. The Client turns those of its side into requests; the Dialogue matches the
// server's replies with them, and asks Recovery where bytes were lost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtp/dialogue.h"
#include "smtp/line_reader.h"
#include "smtp/protocol.h"
#include "smtpscope/options.h"

namespace smtpscope::smtp {

class Analyzer {
  public:
    /// Both outlive the analyzer.
    Analyzer(const Limits& limits, Handler& handler)
        : limits_(&limits), handler_(&handler), dialogue_(limits, handler) {}

    struct Delivered {
        Disposition disposition = Disposition::follow;
        std::string rest;  ///< with Disposition::tls: the bytes that are not SMTP any more
    };
    Delivered data(Side side, std::string_view bytes);
    /// `length` bytes are lost; 0: the session began before the capture did.
    Disposition gap(Side side, std::uint64_t length);
    Disposition end(Side side);
    /// The connection is over: an open message ends here.
    void finish() { dialogue_.finish(); }

  private:
    Disposition disposition() const { return dialogue_.client().disposition(); }
    LineReader& reader(Side side) { return readers_[index(side)]; }
    bool is_client(Side side) const { return side == dialogue_.client().side(); }
    void line(Side side, const Line& line);
    void server_line(Side side, const Line& line);
    void client_gap(LineReader& r, std::uint64_t length);
    void report_oddities(LineReader& r);

    const Limits* limits_;
    Handler* handler_;
    LineReader readers_[2];
    Dialogue dialogue_;
};

}  // namespace smtpscope::smtp
