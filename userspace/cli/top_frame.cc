// SPDX-License-Identifier: BSD-3-Clause
#include "cli/top_frame.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <unordered_map>
#include <vector>

#include "base/words.h"

namespace smtpscope::cli {

using agent::FlowList;
using agent::FlowRow;
using agent::in_words;  // of the ends of a connection

namespace {

/// The counts of a restarted agent begin at 0: then they are the difference.
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
           " lost; ring " + size_in_words(now.ring_used) + " of " + size_in_words(now.ring_size);
}

/// The text in lines of up to `columns`, broken at blanks.
std::vector<std::string> folded(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        std::size_t end = std::min(text.size(), columns);
        if (end < text.size())
            if (const std::size_t blank = text.rfind(' ', end); blank != text.npos && blank > 0) end = blank;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
    return lines;
}

// ---- the table

enum Column : std::size_t { rate, age, idle, stage, message, client, server, columns_in_all };
using Cells = std::array<std::string, columns_in_all>;

constexpr std::size_t widths[columns_in_all] = {9, 6, 6, 9, 9, 0, 0};  // at least
constexpr bool to_the_left[columns_in_all] = {false, false, false, true, false, true, true};
/// The columns that are left out where there is no room for all, the first one first.
constexpr Column dispensable[] = {age, idle, message, server, stage};

Cells heading() {
    return {"per s", "age", "idle", "stage", "message", "client", "-> server"};
}

Cells cells_of(const Line& line, const FlowList& now, const Rates& rates) {
    const FlowSummary& f = line.row->flow;
    return {rates.of_bytes(line.bytes),
            time_in_words(now.now - f.begin),
            time_in_words(now.now - f.last),
            std::string(to_string(f.stage)),
            f.message_bytes == 0 ? "-" : size_in_words(f.message_bytes),
            in_words(f.id.orig_h, f.id.orig_p),
            "-> " + in_words(f.id.resp_h, f.id.resp_p)};
}

/// Cells in columns, as many of them as fit.
class Table {
  public:
    void add(Cells cells) {
        for (std::size_t i = 0; i < columns_in_all; ++i) width_[i] = std::max(width_[i], cells[i].size());
        rows_.push_back(std::move(cells));
    }

    std::vector<std::string> lines(std::size_t columns) {
        for (const Column column : dispensable)
            if (width() > columns) shown_[column] = false;
        std::vector<std::string> all;
        for (const Cells& row : rows_) all.push_back(line(row).substr(0, columns));
        return all;
    }

  private:
    static constexpr std::size_t gap = 2;

    std::size_t width() const {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < columns_in_all; ++i)
            if (shown_[i]) sum += (sum == 0 ? 0 : gap_before(i)) + width_[i];
        return sum;
    }
    static std::size_t gap_before(std::size_t column) { return column == server ? 1 : gap; }

    std::string line(const Cells& row) const {
        std::string text;
        for (std::size_t i = 0; i < columns_in_all; ++i) {
            if (!shown_[i]) continue;
            if (!text.empty()) text.append(gap_before(i), ' ');
            const std::size_t padding = width_[i] - row[i].size();
            if (!to_the_left[i]) text.append(padding, ' ');
            text += row[i];
            if (to_the_left[i]) text.append(padding, ' ');
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    }

    std::vector<Cells> rows_;
    std::array<std::size_t, columns_in_all> width_ = std::to_array(widths);
    std::array<bool, columns_in_all> shown_ = {true, true, true, true, true, true, true};
};

}  // namespace

std::string top_frame(const FlowList& before, const FlowList& now, Window window) {
    const Rates rates(now.now - before.now);
    std::vector<std::string> text = folded(summary(before, now, rates), window.columns);
    text.resize(std::min(text.size(), std::max<std::size_t>(1, window.rows / 3)));

    std::vector<Line> lines = lines_of(before, now);
    std::size_t room = window.rows - text.size();
    Table table;
    if (room > 1 || lines.empty()) table.add(heading());
    room -= std::min<std::size_t>(room, room > 1 ? 1 : 0);
    lines.resize(std::min(lines.size(), room));
    for (const Line& line : lines) table.add(cells_of(line, now, rates));

    std::vector<std::string> rows = table.lines(window.columns);
    rows.resize(std::min(rows.size(), window.rows - text.size()));
    text.insert(text.end(), std::move_iterator(rows.begin()), std::move_iterator(rows.end()));
    std::string out;
    for (const std::string& row : text) out += (out.empty() ? "" : "\n") + row;
    return out;
}

}  // namespace smtpscope::cli
