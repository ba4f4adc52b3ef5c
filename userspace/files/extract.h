// SPDX-License-Identifier: BSD-3-Clause
// Files of mail, written to a directory by a thread of their own, so that the capture never waits for a disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "smtpscope/content.h"

namespace smtpscope::files {

enum class ExtractWhat : std::uint8_t { parts, messages, all };

/// `files.extract:` in the configuration. In every limit 0 means: no limit.
struct ExtractOptions {
    bool enabled = false;
    std::string directory =
        "/var/lib/smtpscope/extracted";  ///< made with mode 0700 if only its last component is missing
    ExtractWhat what = ExtractWhat::parts;
    std::uint64_t max_bytes = std::uint64_t{100} << 20;  ///< of one file; the rest is cut off
    std::uint64_t max_files = 10000;                     ///< in the directory, including those that were there before
    std::uint64_t max_total = std::uint64_t{10} << 30;   ///< bytes of all of them
    std::uint64_t min_free = std::uint64_t{1} << 30;     ///< bytes that the file system keeps free
    bool operator==(const ExtractOptions&) const = default;
};

/// Files by what happened to them; each is counted once.
struct ExtractStats {
    std::uint64_t written = 0;      ///< whole, or cut off
    std::uint64_t bytes = 0;        ///< of the written files
    std::uint64_t cut_off = 0;      ///< by max_bytes, max_total or a full queue
    std::uint64_t limit_files = 0;  ///< not begun because of max_files
    std::uint64_t limit_total = 0;  ///< or of max_total
    std::uint64_t no_room = 0;      ///< or of min_free
    std::uint64_t queue_full = 0;   ///< or of a full queue
    std::uint64_t discarded = 0;    ///< not kept: a policy dropped the mail or the file, or it never ended
    std::uint64_t failed = 0;       ///< lost to an error of the file system
    std::string last_error;         ///< empty if there was none
};

/// It may have many callers; each file belongs to one of them. Until it is kept, a file has a name that ends in
/// `.part`.
class Extractor final : public ContentSink {
  public:
    /// What happens to files while the disk is slower than the network: in a live capture they are cut off or not even
    /// begun; reading a capture file can wait.
    enum class WhenFull : std::uint8_t { cut_off, wait };

    /// `queue_bytes`: how much may wait for the disk; orders without bytes, for files that have begun, may exceed it.
    /// `between_surveys`: the least time between two looks at what is left in a full directory.
    /// Throws std::runtime_error if the directory cannot be used.
    Extractor(ExtractOptions options, WhenFull when_full, std::size_t queue_bytes = std::size_t{32} << 20,
              std::chrono::steady_clock::duration between_surveys = std::chrono::seconds(10));
    /// Writes what has been handed over; files that were not kept are discarded.
    ~Extractor() override;
    Extractor(const Extractor&) = delete;
    Extractor& operator=(const Extractor&) = delete;

    Handle begin(const FileInfo& rec) override;
    void write(Handle file, std::string_view bytes) override;
    ContentResult end(Handle file) override;
    void keep(Handle file) override;
    void discard(Handle file) override;

    ExtractStats stats() const;

  private:
    /// A file as the caller sees it.
    struct Open {
        std::string name;
        std::uint64_t accepted = 0;  ///< bytes
        bool cut_off = false;
    };
    /// A file as the thread sees it.
    struct Written {
        int fd = -1;  ///< -1: it has ended
        std::string name;
        std::uint64_t size = 0;
        std::uint64_t accepted = 0;  ///< bytes that were handed over; more than `size` if writing fails
    };
    enum class Left : std::uint8_t { nothing, part };  ///< on the disk, after an error
    /// What the thread has to do next.
    struct Order {
        enum class Kind : std::uint8_t { begin, write, end, keep, discard, survey } kind;
        Handle file;
        std::string text;      ///< the name, or the bytes
        bool cut_off = false;  ///< of what is kept
        /// The space that it takes in the queue.
        std::size_t size() const { return sizeof *this + text.size(); }
    };

    /// Of the directory's limits.
    struct Space {
        std::uint64_t files = 0, bytes = 0;
    };

    template <class Visit>
    bool for_each_file(Visit visit) const;
    void remove_leftovers() const;
    std::optional<Space> survey() const;
    bool has_room() const;
    std::uint64_t* limit_reached();
    bool queue_takes(std::unique_lock<std::mutex>& lock);
    Open& opened(Handle file);
    void order(Order&& o);
    void put(Order&& o);
    void work();
    void carry_out(const Order& o);
    void begin_file(const Order& o);
    static bool write_all(Written& f, std::string_view bytes);
    void fail(Handle file, const char* what, Left left);

    const ExtractOptions options_;
    const WhenFull when_full_;
    const std::size_t queue_bytes_;
    int directory_ = -1;

    mutable std::mutex mutex_;
    std::unordered_map<Handle, Open> open_;  ///< until kept or discarded
    Handle last_ = none;
    std::condition_variable filled_, drained_;
    std::deque<Order> orders_;
    std::size_t queued_ = 0;  ///< bytes
    bool closing_ = false;
    Space kept_;       ///< in the directory
    Space under_way_;  ///< files that are neither kept nor discarded yet
    const std::chrono::steady_clock::duration between_surveys_;
    std::chrono::steady_clock::time_point next_survey_;
    ExtractStats stats_;

    // Used only by the thread.
    std::unordered_map<Handle, Written> writing_;
    std::thread thread_;
};

}  // namespace smtpscope::files
