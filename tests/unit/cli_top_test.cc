// SPDX-License-Identifier: BSD-3-Clause
// What `smtpscope top` shows about the sessions that are followed, in windows of every size.
#include <sstream>

#include "catch.h"
#include "cli/top_frame.h"
#include "support_flows.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using namespace std::chrono_literals;
using test::flow_list;
using test::flow_row;

namespace {

using Lines = std::vector<std::string>;

constexpr cli::Window wide = {24, 200};

/// Two seconds later.
FlowList later() {
    FlowList l = flow_list();
    l.now += 2s;
    l.seen += 400;
    l.delivered += 300;
    l.ignored += 98;
    l.lost += 2;
    l.records += 10;
    l.rows[0].flow.resp_bytes += 1000;
    l.rows[1].flow.uid = "CaB2";  // its first payload
    l.rows[1].flow.orig_bytes = 3000;
    return l;
}

Lines lines(const FlowList& before, const FlowList& now, cli::Window window) {
    std::istringstream in(cli::top_frame(before, now, window));
    Lines all;
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

}  // namespace

TEST_CASE("top: what went through each session since the picture before", "[cli]") {
    CHECK(lines(flow_list(), flow_list(), wide)[0] ==
          "sessions: 3; per second - records and - packets: - delivered, - ignored, - lost; ring 4.0 KiB of 16.0 MiB");
    CHECK(lines(flow_list(), later(), wide) ==
          Lines{"sessions: 3; per second 5 records and 200 packets: 150 delivered, 49 ignored, 1 lost; ring 4.0 KiB of "
                "16.0 MiB",
                "    per s     age    idle  stage        message  client              -> server",
                "  1.5 KiB     2 s     2 s  handshake          -  [2001:db8::7]:40001 -> [2001:db8::25]:25",
                "    500 B  10 min     3 s  message      1.1 MiB  203.0.113.7:40001   -> [2001:db8::25]:25"});
    FlowList now = later();
    now.seen = 20;  // another agent on the same socket: its counts are all new
    CHECK(lines(flow_list(), now, wide)[0].find(" 10 packets") != std::string::npos);
}

TEST_CASE("top: a smaller window", "[cli]") {
    CHECK(lines(flow_list(), later(), {24, 80}) ==
          Lines{"sessions: 3; per second 5 records and 200 packets: 150 delivered, 49 ignored, 1",
                "lost; ring 4.0 KiB of 16.0 MiB", "    per s  stage        message  client              -> server",
                "  1.5 KiB  handshake          -  [2001:db8::7]:40001 -> [2001:db8::25]:25",
                "    500 B  message      1.1 MiB  203.0.113.7:40001   -> [2001:db8::25]:25"});
    CHECK(lines(flow_list(), later(), {24, 41}) ==
          Lines{"sessions: 3; per second 5 records and 200", "packets: 150 delivered, 49 ignored, 1",
                "lost; ring 4.0 KiB of 16.0 MiB", "    per s  stage      client",
                "  1.5 KiB  handshake  [2001:db8::7]:40001", "    500 B  message    203.0.113.7:40001"});
    CHECK(lines(flow_list(), later(), {6, 40}) ==
          Lines{"sessions: 3; per second 5 records and", "200 packets: 150 delivered, 49 ignored,", "    per s  client",
                "  1.5 KiB  [2001:db8::7]:40001", "    500 B  203.0.113.7:40001"});
    CHECK(lines(flow_list(), later(), {2, 20}) == Lines{"sessions: 3; per", "  1.5 KiB  [2001:db8"});
    CHECK(lines(flow_list(), later(), {1, 1}) == Lines{"s"});
    CHECK(lines({}, {}, {24, 80}).size() == 3);
}

TEST_CASE("top: no line too many and none too long, whatever the window", "[cli]") {
    FlowList now = later();
    for (int i = 0; i < 40; ++i)
        now.rows.push_back(flow_row("C", "2001:db8:1111:2222:3333:4444:5555:6666", i, i, FlowStage::tls));
    Lines misfits;
    for (std::size_t rows = 1; rows <= 50; ++rows) {
        for (std::size_t columns = 1; columns <= 140; ++columns) {
            const std::string frame = cli::top_frame(flow_list(), now, {rows, columns});
            const Lines all = lines(flow_list(), now, {rows, columns});
            bool fits = !frame.ends_with('\n') && !all.empty() && all.size() <= rows;
            for (const std::string& line : all) fits = fits && line.size() <= columns;
            if (!fits) misfits.push_back(std::to_string(rows) + "x" + std::to_string(columns) + "\n" + frame);
        }
    }
    INFO((misfits.empty() ? std::string() : misfits.front()));
    CHECK(misfits.empty());
}
