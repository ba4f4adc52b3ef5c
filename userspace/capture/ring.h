// SPDX-License-Identifier: BSD-3-Clause
// The reader's end of a BPF ring buffer. Our own instead of libbpf's: a call must return under load; the position
// is published once a batch and not once a record (the kernel reads it at every reservation); and the reader's sleep
// has to agree with the kernel programs' need_wake.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/descriptor.h"

namespace smtpscope::capture {

class Ring {
  public:
    /// A record's bytes, valid during the call.
    using Visit = std::function<void(std::span<const std::byte>)>;

    /// `fd`: a map of type ringbuf with `size` bytes, which stays open while this lives. `need_wake`: shared with the
    /// kernel programs. Throws Error.
    Ring(int fd, std::size_t size, volatile std::uint32_t* need_wake);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// Passes on at most about a quarter of the ring. Returns the number of records. If `visit` throws, its record is
    /// consumed.
    std::size_t consume(const Visit& visit);

    /// Returns at once if there are records, else when one comes, after `timeout`, at a signal, or after wake(). Where
    /// records would wake it more often than a hundred times a second, it lets up to a millisecond pass before it looks
    /// again: a wake-up costs the sender of the mail more than a copy.
    void wait(std::chrono::nanoseconds timeout);
    /// Thread-safe.
    void wake();

    /// Bytes written and not yet read.
    std::size_t fill() const;
    std::size_t size() const { return size_; }

  private:
    enum class Waking : bool { by_others, by_records_too };

    bool sleep(std::chrono::nanoseconds timeout, Waking waking);
    void publish() { __atomic_store_n(consumer_, position_, __ATOMIC_RELEASE); }
    unsigned long produced() const { return __atomic_load_n(producer_, __ATOMIC_ACQUIRE); }

    int fd_;
    Descriptor woken_;  ///< an eventfd
    std::size_t size_;
    std::size_t page_;
    std::chrono::nanoseconds pause_;  ///< 2 GB/s fill an eighth of the ring in this time
    std::chrono::steady_clock::time_point woken_at_{};
    bool busy_ = false;  ///< woken twice within a short time, and records have come in each pause since
    volatile std::uint32_t* need_wake_;
    unsigned long* consumer_ = nullptr;        ///< position up to which we have read; ours
    const unsigned long* producer_ = nullptr;  ///< position up to which has been reserved; the kernel's
    const std::byte* data_ = nullptr;          ///< mapped twice in a row, so that no record is split
    unsigned long position_ = 0;
};

}  // namespace smtpscope::capture
