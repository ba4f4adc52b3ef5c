// SPDX-License-Identifier: BSD-3-Clause
#include "log/journal_lane.h"

#include <cerrno>
#include <cstring>

#include "log/journal.h"

namespace smtpscope::log {
namespace {

using namespace std::chrono_literals;
using Clock = SinkQueue::Clock;

constexpr auto between_tries = 100ms;
constexpr auto worth_telling = 1s;  ///< a shorter wait is not reported
constexpr auto between_reports = 5s;
constexpr int warning_priority = 4;

}  // namespace

void JournalLane::take(const Parcel& parcel, std::uint64_t dropped) {
    losses_.queue_full += dropped;
    tell_losses();
    const int error = send(parcel.bytes);
    if (error == 0) return tally_.wrote(parcel.records);
    if (patience_.is_over()) return tally_.dropped(parcel.records, LossCause::ended, sentence(error));
    losses_.refused += parcel.records;
    tally_.dropped(parcel.records, LossCause::refused, sentence(error));
}

std::optional<std::chrono::milliseconds> JournalLane::rest(std::uint64_t dropped) {
    losses_.queue_full += dropped;
    tell_losses();
    if (losses_.all() == 0) return std::nullopt;
    return between_reports;
}

void JournalLane::tell_losses() {
    if (losses_.all() == 0 || patience_.is_over()) return;
    if (told_ && Clock::now() - *told_ < between_reports) return;
    JournalEntry entry(
        warning_priority,
        std::to_string(losses_.all()) + " records were lost before this line: " + std::to_string(losses_.queue_full) +
            " because too many waited for journald, " + std::to_string(losses_.refused) + " that it refused.");
    entry.add("SMTP_RECORDS_LOST=", std::to_string(losses_.all()));
    told_ = Clock::now();
    if (send(entry.datagram()) == 0) losses_ = {};
}

/// 0, or an errno that is permanent, or the last one when the patience is over.
int JournalLane::send(std::string_view entry) {
    const auto begun = Clock::now();
    while (true) {
        const int error = socket_.send(entry);
        if (!is_passing(error) || patience_.is_over()) return error;
        if (Clock::now() - begun >= worth_telling) tally_.waits(sentence(error));
        wait_after(error);
    }
}

void JournalLane::wait_after(int error) {
    if (error != EAGAIN || socket_.fd() < 0) {
        patience_.pause(between_tries);
    } else if (!patience_.wait_writable(socket_.fd(), worth_telling)) {
        socket_.disconnect();  // a socket that takes nothing may be an old one; its name may have a new one by now
    }
}

std::string JournalLane::sentence(int error) const {
    if (error == ENOENT) return "there is no journald: " + socket_.path() + " is missing.";
    if (is_away(error)) return "journald does not listen at " + socket_.path() + ": " + std::strerror(error) + ".";
    if (error == EAGAIN) return "journald takes nothing at " + socket_.path() + ".";
    return std::string("journald refused an entry: ") + std::strerror(error) + ".";
}

}  // namespace smtpscope::log
