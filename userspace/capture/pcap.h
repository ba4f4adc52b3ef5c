// SPDX-License-Identifier: BSD-3-Clause
// Capture files: pcap and pcapng through libpcap.
#pragma once

#include <memory>
#include <string>

#include "capture/source.h"

namespace smtpscope::capture {

class PcapSource final : public Source {
  public:
    /// `path` may be `-` for standard input. Throws Error if it cannot be read or is not a capture of a known link
    /// type.
    explicit PcapSource(const std::string& path, ChecksumMode checksums);
    ~PcapSource() override;

    /// Never waits. `truncated` when the file ends within a packet.
    SourceStatus poll(Duration timeout, const PacketHandler& handler) override;

    std::uint64_t bytes_read() const;   ///< of the file, for a progress bar
    std::uint64_t bytes_total() const;  ///< 0 if not known

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace smtpscope::capture
