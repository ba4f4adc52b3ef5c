// SPDX-License-Identifier: BSD-3-Clause
// The agent's own messages: Boost.Log's severity logger, with one backend.
#include <unistd.h>

#include <atomic>
#include <boost/log/core.hpp>
#include <boost/log/expressions/message.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/smart_ptr/make_shared.hpp>
#include <cerrno>
#include <chrono>

#include "format/escape.h"
#include "log/journal.h"
#include "log/journal_socket.h"
#include "log/line_writer.h"
#include "log/output.h"
#include "log/patience.h"

namespace smtpscope::log {
namespace {

namespace sinks = boost::log::sinks;

/// A number of syslog(3).
constexpr int priority_of(Level level) {
    switch (level) {
        case Level::trace:
        case Level::debug:
            return 7;
        case Level::info:
            return 6;
        case Level::warning:
            return 4;
        case Level::error:
            return 3;
    }
    return 6;
}

class MessageBackend : public sinks::basic_sink_backend<sinks::synchronized_feeding> {
  public:
    void consume(const boost::log::record_view& record) {
        const auto level = boost::log::extract_or_default<Level>("Severity", record, Level::info);
        const auto text = boost::log::extract<std::string>("Message", record);
        if (!text) return;
        std::string visible;
        format::append_visible(visible, *text);
        if (to_journal_ && send(JournalEntry(priority_of(level), visible).datagram())) return;
        to_stderr("smtpscope: " + std::string(name_in(level_names, level)) + ": " + visible + "\n");
    }

  private:
    /// A descriptor that perhaps nobody reads: the thread that writes must not wait for long.
    void to_stderr(const std::string& line) {
        const auto has_room = [this] {
            return patience_.wait_writable(STDERR_FILENO, std::chrono::milliseconds(lost_ == 0 ? 1000 : 0));
        };
        std::string text;
        if (lost_ != 0)
            text = "smtpscope: warning: " + std::to_string(lost_) + " messages before this one found no room\n";
        if (write_with_room(STDERR_FILENO, text + line, has_room).error == ETIMEDOUT)
            ++lost_;
        else
            lost_ = 0;
    }

    /// Waits a moment for a journald that is busy, and not at all for one that is away.
    bool send(const std::string& entry) {
        int error = socket_.send(entry);
        if (error == EAGAIN && patience_.wait_writable(socket_.fd(), std::chrono::milliseconds(100)))
            error = socket_.send(entry);
        return error == 0;
    }

    const bool to_journal_ = stderr_is_journal();
    const Patience patience_;
    std::uint64_t lost_ = 0;  ///< messages, since the last that was written
    JournalSocket socket_{std::string(default_journal_socket)};
};

std::atomic<Level> least{Level::info};

/// The logger, with its sink in place from the first use on.
class Messages {
  public:
    static Messages& instance() {
        static Messages messages;
        return messages;
    }
    void write(Level level, std::string_view text) {
        if (boost::log::record record = logger_.open_record(boost::log::keywords::severity = level)) {
            boost::log::record_ostream stream(record);
            stream << std::string(text);
            stream.flush();
            logger_.push_record(std::move(record));
        }
    }

  private:
    Messages() {
        auto sink = boost::make_shared<sinks::synchronous_sink<MessageBackend>>();
        sink->set_filter([](const boost::log::attribute_value_set& values) {
            const auto level = boost::log::extract<Level>("Severity", values);
            return level && *level >= least.load(std::memory_order_relaxed);
        });
        boost::log::core::get()->add_sink(sink);
    }

    boost::log::sources::severity_logger_mt<Level> logger_;
};

}  // namespace

void set_level(Level level) {
    least = level;
}

void message(Level level, std::string_view text) {
    Messages::instance().write(level, text);
}

}  // namespace smtpscope::log
