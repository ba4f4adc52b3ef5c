// SPDX-License-Identifier: BSD-3-Clause
#include "cli/top_frame.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <unordered_map>
#include <vector>

#include "base/words.h"

namespace smtpscope::cli {

using agent::FlowList;
using agent::FlowRow;
using agent::in_words;  // of the ends of a connection

namespace {

/// Counts of another agent, which began anew, are no part of a difference.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
    return now >= before ? now - before : now;
}

std::uint64_t bytes_of(const FlowRow& row) {
    return row.flow.orig_bytes + row.flow.resp_bytes + row.ignored_bytes();
}

struct Line {
    const FlowRow* row;
    std::uint64_t bytes;  ///< since the list before
};

/// Those with the most bytes first; among equals, the latest packet.
std::vector<Line> lines_of(const FlowList& before, const FlowList& now) {
    std::unordered_map<std::string_view, std::uint64_t> known;
    for (const FlowRow& row : before.rows)
        if (!row.flow.uid.empty()) known.emplace(row.flow.uid, bytes_of(row));
    std::vector<Line> lines;
    for (const FlowRow& row : now.rows) {
        const auto it = known.find(row.flow.uid);
        lines.push_back({&row, grown(it == known.end() ? 0 : it->second, bytes_of(row))});
    }
    std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.bytes > b.bytes; });
    return lines;
}

class Rates {
  public:
    explicit Rates(Duration time) : seconds_(std::chrono::duration<double>(time).count()) {}

    std::string of(std::uint64_t count) const { return known() ? std::to_string(per_second(count)) : "-"; }
    std::string of_bytes(std::uint64_t bytes) const { return known() ? size_in_words(per_second(bytes)) : "-"; }

  private:
    bool known() const { return seconds_ > 0; }
    std::uint64_t per_second(std::uint64_t count) const {
        return static_cast<std::uint64_t>(static_cast<double>(count) / seconds_);
    }

    double seconds_;
};

std::string summary(const FlowList& before, const FlowList& now, const Rates& rates) {
    return "sessions: " + std::to_string(now.open) + "; per second " + rates.of(grown(before.records, now.records)) +
           " records and " + rates.of(grown(before.seen, now.seen)) +
           " packets: " + rates.of(grown(before.delivered, now.delivered)) + " delivered, " +
           rates.of(grown(before.ignored, now.ignored)) + " ignored, " + rates.of(grown(before.lost, now.lost)) +
           " lost; ring " + size_in_words(now.ring_used) + " of " + size_in_words(now.ring_size) + '\n';
}

}  // namespace

std::string top_frame(const FlowList& before, const FlowList& now, std::size_t rows) {
    const Rates rates(now.now - before.now);
    std::string text = summary(before, now, rates);
    text += "    per s     age    idle  stage        message  client -> server\n";
    std::vector<Line> lines = lines_of(before, now);
    if (lines.size() > rows) lines.resize(rows);
    for (const Line& line : lines) {
        const FlowSummary& f = line.row->flow;
        char start[96];
        std::snprintf(start, sizeof start, "%9s  %6s  %6s  %-9s  %9s  ", rates.of_bytes(line.bytes).c_str(),
                      time_in_words(now.now - f.begin).c_str(), time_in_words(now.now - f.last).c_str(),
                      std::string(to_string(f.stage)).c_str(),
                      f.message_bytes == 0 ? "-" : size_in_words(f.message_bytes).c_str());
        text += start;
        text += in_words(f.id) + '\n';
    }
    return text;
}

}  // namespace smtpscope::cli
