// SPDX-License-Identifier: BSD-3-Clause
#include "capture/ring.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "capture/source.h"

namespace smtpscope::capture {
namespace {

constexpr std::chrono::milliseconds longest_pause{1}, often{10};

void* map_or_throw(std::size_t length, int protection, int fd, std::size_t offset) {
    void* p = mmap(nullptr, length, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (p == MAP_FAILED) throw Error(std::string("cannot map the ring: ") + std::strerror(errno));
    return p;
}

}  // namespace

Ring::Ring(int fd, std::size_t size, volatile std::uint32_t* need_wake)
    : fd_(fd),
      woken_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      size_(size),
      page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
      pause_(std::min<std::chrono::nanoseconds>(longest_pause, std::chrono::nanoseconds(size / 16))),
      need_wake_(need_wake) {
    if (!woken_) throw Error(std::string("cannot wait for the ring: eventfd: ") + std::strerror(errno));
    consumer_ = static_cast<unsigned long*>(map_or_throw(page_, PROT_READ | PROT_WRITE, fd, 0));
    try {
        producer_ = static_cast<const unsigned long*>(map_or_throw(page_ + 2 * size, PROT_READ, fd, page_));
    } catch (...) {
        munmap(consumer_, page_);
        throw;
    }
    data_ = reinterpret_cast<const std::byte*>(producer_) + page_;
    position_ = __atomic_load_n(consumer_, __ATOMIC_ACQUIRE);
}

Ring::~Ring() {
    munmap(consumer_, page_);
    munmap(const_cast<unsigned long*>(producer_), page_ + 2 * size_);
}

std::size_t Ring::consume(const Visit& visit) {
    // Room is given back in steps: late enough to leave the kernel's cache line alone, early enough not to fill the
    // ring.
    const unsigned long step = std::min<unsigned long>(size_ / 16, 64 << 10);
    const unsigned long limit = position_ + size_ / 4;
    unsigned long published = position_;
    std::size_t count = 0;

    // Also when visit throws: no record is visited twice.
    struct Publisher {
        Ring& ring;
        ~Publisher() { ring.publish(); }
    } publisher{*this};

    const unsigned long end = std::min(produced(), limit);
    while (position_ < end) {
        const std::byte* header = data_ + (position_ & (size_ - 1));
        const std::uint32_t length = __atomic_load_n(reinterpret_cast<const std::uint32_t*>(header), __ATOMIC_ACQUIRE);
        if (length & BPF_RINGBUF_BUSY_BIT) break;
        const std::uint32_t bytes = length & ~BPF_RINGBUF_DISCARD_BIT;
        position_ += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
        if (!(length & BPF_RINGBUF_DISCARD_BIT)) {
            ++count;
            visit({header + BPF_RINGBUF_HDR_SZ, bytes});
        }
        if (position_ - published >= step) {
            publish();
            published = position_;
        }
    }
    return count;
}

void Ring::wait(std::chrono::nanoseconds timeout) {
    if (produced() != position_) return;
    if (busy_) {
        const bool woken = sleep(std::min(timeout, pause_), Waking::by_others);
        busy_ = produced() != position_;
        if (busy_ || woken) return;
    }
    *need_wake_ = 1;
    // The flag first, then a look: a record that was reserved before the flag could be seen is seen by poll(), which
    // compares the positions itself, and any later one wakes us.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    sleep(timeout, Waking::by_records_too);
    *need_wake_ = 0;
    const auto now = std::chrono::steady_clock::now();
    busy_ = now - woken_at_ < often;
    woken_at_ = now;
}

/// Whether wake() ended it.
bool Ring::sleep(std::chrono::nanoseconds timeout, Waking waking) {
    pollfd p[] = {{woken_.get(), POLLIN, 0}, {fd_, POLLIN, 0}};
    timespec t{};
    timeout = std::max(timeout, std::chrono::nanoseconds(0));
    t.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
    t.tv_nsec = (timeout % std::chrono::seconds(1)).count();
    if (ppoll(p, waking == Waking::by_records_too ? 2 : 1, &t, nullptr) < 0 && errno != EINTR)
        throw Error(std::string("cannot wait for the ring: ") + std::strerror(errno));
    std::uint64_t times = 0;
    return p[0].revents != 0 && read(woken_.get(), &times, sizeof times) > 0;
}

void Ring::wake() {
    const std::uint64_t once = 1;
    (void)!write(woken_.get(), &once, sizeof once);
}

std::size_t Ring::fill() const {
    return produced() - __atomic_load_n(consumer_, __ATOMIC_ACQUIRE);
}

}  // namespace smtpscope::capture
