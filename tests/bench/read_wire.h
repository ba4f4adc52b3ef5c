// SPDX-License-Identifier: BSD-3-Clause
// Conversations written as a capture file, fast: a gigabyte in a few seconds.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtpscope/side.h"

namespace smtpscope::bench {

/// A pcap file of Ethernet frames.
class CaptureFile {
  public:
    explicit CaptureFile(const std::string& path);
    /// Reports a full disk by its exit status.
    ~CaptureFile();
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    void frame(std::string_view headers, std::string_view payload);
    std::uint64_t bytes() const { return bytes_; }

  private:
    std::FILE* file_;
    std::vector<char> buffer_;
    std::uint64_t bytes_ = 0;
    std::uint64_t microseconds_ = 1'700'000'000'000'000;
};

/// What one side says at a time; `block` is text that lives as long as the program, and is not copied.
struct Turn {
    Side side = Side::orig;
    std::string text;
    std::string_view block;
};

/// A TCP connection over IPv4 that plays its turns packet by packet. The receiver acknowledges every second segment.
class Session {
  public:
    Session(std::uint32_t number, std::vector<Turn> turns) : number_(number), turns_(std::move(turns)) {}

    /// Writes the next packet, and the acknowledgements that are due. False when the connection is over.
    bool step(CaptureFile& file);

  private:
    enum Flag : std::uint8_t { fin = 1, syn = 2, psh = 8, ack = 16 };
    static constexpr std::size_t segment_size = 1448;

    void emit(CaptureFile& file, Side from, std::uint8_t flags, std::string_view payload);
    std::string_view next_payload();

    std::uint32_t number_;
    std::vector<Turn> turns_;
    std::size_t turn_ = 0;
    std::size_t at_ = 0;  ///< in the text and the block of the turn
    unsigned unacknowledged_ = 0;
    bool open_ = false;
    std::array<std::uint32_t, 2> seq_{1000, 2000};
};

/// Plays sessions, `width` of them at a time, taking turns. `next` returns nullptr when there is none left.
template <typename Next>
void play(CaptureFile& file, std::size_t width, Next next) {
    std::vector<std::unique_ptr<Session>> active;
    bool more = true;
    for (std::size_t i = 0; more || !active.empty(); ++i) {
        if (more && active.size() < width) {
            std::unique_ptr<Session> session = next();
            more = session != nullptr;
            if (more) active.push_back(std::move(session));
            continue;
        }
        auto& session = active[i * 7 % active.size()];  // an order that is not that of their beginnings
        if (session->step(file)) continue;
        session = std::move(active.back());
        active.pop_back();
    }
}

}  // namespace smtpscope::bench
