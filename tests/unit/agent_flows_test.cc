// SPDX-License-Identifier: BSD-3-Clause
// What `smtpscope flows` says about the sessions that are followed.
#include <stdexcept>

#include "agent/flows.h"
#include "catch.h"
#include "support_flows.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using namespace std::chrono_literals;

namespace {

FlowList list() {
    FlowList l = test::flow_list();
    l.rows[0].flow.orig_bytes = 1'250'000;
    l.rows[0].flow.resp_bytes = 999;
    l.rows[0].kernel.emplace().ignored_bytes = 7'000'000'000;
    l.rows[0].kernel->orig = Verdict::ignore;
    return l;
}

std::string line(const std::string& text, std::size_t number) {
    std::size_t begin = 0;
    for (; number > 0; --number) begin = text.find('\n', begin) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("flows: for programs", "[agent]") {
    CHECK(to_json(list()) ==
          R"({"ts":1000.000,"open":3,"flows":[)"
          R"({"ts":400.000,"last":999.000,"uid":"CaB1","id.orig_h":"203.0.113.7","id.orig_p":40001,)"
          R"("id.resp_h":"2001:db8::25","id.resp_p":25,"stage":"message","orig_bytes":1250000,"resp_bytes":999,)"
          R"("message_bytes":1200000,"kernel":{"orig_verdict":"ignore","resp_verdict":"copy","delivered_packets":0,)"
          R"("delivered_bytes":0,"ignored_packets":0,"ignored_bytes":7000000000}},)"
          R"({"ts":1000.000,"last":1000.000,"uid":"","id.orig_h":"2001:db8::7","id.orig_p":40001,)"
          R"("id.resp_h":"2001:db8::25","id.resp_p":25,"stage":"handshake","orig_bytes":0,"resp_bytes":0,)"
          R"("message_bytes":0}]})"
          "\n");
}

TEST_CASE("flows: for people", "[agent]") {
    const std::string text = to_text(list());
    CHECK(line(text, 0) == "sessions: 3; the latest 2");
    CHECK(line(text, 2) ==
          "10 min     1 s  message      1.2 MiB      999 B    6.5 GiB  CaB1                 "
          "203.0.113.7:40001 -> [2001:db8::25]:25");
    CHECK(line(text, 3) ==
          "   0 s     0 s  handshake        0 B        0 B        0 B  -                    "
          "[2001:db8::7]:40001 -> [2001:db8::25]:25");
}

TEST_CASE("flows: from process to process", "[agent]") {
    const FlowList sent = list(), read = from_lines(to_lines(sent));
    CHECK(to_lines(read) == to_lines(sent));
    CHECK(to_text(read) == to_text(sent));
    for (const char* wrong :
         {"", "{\"error\":\"x\"}\n", "1 2 3 4 5 6 7 8 9 1\n", "1 2 3 4 5 6 7 8 9 1\nC1 1 1 host 2 ::1 25 0 0 0 0 0\n",
          "1 2 3 4 5 6 7 8 9 1\nC1 1 1 ::1 2 ::1 25 6 0 0 0 0\n"}) {
        INFO(wrong);
        CHECK_THROWS_AS(from_lines(wrong), std::runtime_error);
    }
}

TEST_CASE("flows: several shards are one list", "[agent]") {
    const auto uids = [](const std::vector<FlowSummary>& all) {
        std::string text;
        for (const FlowSummary& f : all) text += f.uid;
        return text;
    };
    const auto at = [](const char* uid, std::int64_t last) {
        return test::flow_row(uid, "::1", 0, last, FlowStage::commands).flow;
    };
    std::vector<FlowSummary> all{at("a", 9), at("b", 5)};
    merge(all, {at("c", 7), at("d", 1)}, 3);
    CHECK(uids(all) == "acb");
    merge(all, {}, 10);
    CHECK(uids(all) == "acb");
    merge(all, {at("e", 10)}, 0);
    CHECK(all.empty());
}
