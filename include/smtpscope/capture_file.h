// SPDX-License-Identifier: BSD-3-Clause
// Capture files, pcap and pcapng, for Engine::packet().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "smtpscope/packet.h"

namespace smtpscope {

/// A capture file that cannot be read; what() names it and the reason.
class CaptureFileError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// For one thread at a time; each file may have a thread of its own.
class CaptureFile {
  public:
    using PacketHandler = std::function<void(const Packet&)>;

    enum class Status : std::uint8_t {
        more,       ///< call again
        end,        ///< nothing more will come
        truncated,  ///< the same, and the last packet was cut off
    };

    /// `path` may be `-` for standard input. Throws CaptureFileError if the file cannot be opened, or is not a capture
    /// of Ethernet, raw IP, loopback or Linux cooked packets.
    explicit CaptureFile(const std::string& path);
    ~CaptureFile();
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    /// Passes on the next packets, 1,024 at most, each valid during the call of the handler. Throws CaptureFileError if
    /// the file is broken. What the handler throws is passed on; the packets after that one come with the next call.
    /// The handler may not call read().
    Status read(const PacketHandler& handler);

    std::uint64_t bytes_read() const;   ///< of the file
    std::uint64_t bytes_total() const;  ///< 0 if unknown

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace smtpscope
