// SPDX-License-Identifier: BSD-3-Clause
// Where the agent's packets come from.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/names.h"
#include "smtpscope/packet.h"

namespace smtpscope::capture {

/// A source that cannot be opened or attached. what() says what, where and what to do about it.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

enum class XdpMode { automatic, native, generic, tc };
inline constexpr Name<XdpMode> xdp_mode_names[] = {
    {"auto", XdpMode::automatic}, {"native", XdpMode::native}, {"generic", XdpMode::generic}, {"tc", XdpMode::tc}};
enum class ChecksumMode { validate, ignore };

/// `capture:` in the configuration.
struct Options {
    std::vector<std::string> interfaces{"auto"};  ///< names, globs, or `auto`: every interface that is up
    std::vector<std::uint16_t> ports{25, 587};
    XdpMode xdp_mode = XdpMode::automatic;
    ChecksumMode checksums = ChecksumMode::validate;
    std::uint64_t ring_size = std::uint64_t{16} << 20;  ///< bytes, of each shard; rounded up to a power of two pages
    std::uint64_t verdicts = 65536;                     ///< flows whose verdict the kernel remembers
    unsigned shards = 1;                                ///< rings, and workers that read them
    std::uint64_t wake_watermark = 0;  ///< bytes that wait before a sleeping worker is woken; 0: the first record does
    bool operator==(const Options&) const = default;
};

using PacketHandler = std::function<void(const Packet&)>;

enum class SourceStatus {
    more,  ///< call again
    end,   ///< no more packets will come
};

class Source {
  public:
    virtual ~Source() = default;
    /// Passes on what is there, waiting at most `timeout` for the first packet. Throws Error when the source breaks.
    virtual SourceStatus poll(Duration timeout, const PacketHandler& handler) = 0;
    /// Makes a poll() that waits return, or the next one that would wait. Thread-safe.
    virtual void wake() {}
};

}  // namespace smtpscope::capture
