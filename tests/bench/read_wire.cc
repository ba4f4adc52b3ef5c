// SPDX-License-Identifier: BSD-3-Clause
#include "read_wire.h"

#include <cstdlib>
#include <cstring>

#include "net/checksum.h"

namespace smtpscope::bench {

namespace {

constexpr std::size_t header_size = 14 + 20 + 20;
constexpr std::size_t file_buffer = std::size_t{1} << 20;

void put16(char* at, std::uint32_t value) {
    at[0] = static_cast<char>(value >> 8);
    at[1] = static_cast<char>(value);
}
void put32(char* at, std::uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

std::uint64_t sum_of(std::string_view text) {
    return net::partial_sum({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// The sum that makes the whole come to 0xffff, in the byte order of the sum: memory's.
void put_checksum(char* at, std::uint64_t sum) {
    const auto value = static_cast<std::uint16_t>(~net::fold(sum));
    std::memcpy(at, &value, sizeof value);
}

}  // namespace

CaptureFile::CaptureFile(const std::string& path) : file_(std::fopen(path.c_str(), "wbe")), buffer_(file_buffer) {
    if (file_ == nullptr) {
        std::perror(path.c_str());
        std::exit(1);
    }
    std::setvbuf(file_, buffer_.data(), _IOFBF, buffer_.size());
    const std::uint32_t header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
    std::fwrite(header, sizeof header, 1, file_);
    bytes_ = sizeof header;
}

CaptureFile::~CaptureFile() {
    const bool failed = std::ferror(file_) != 0;
    if (std::fclose(file_) == 0 && !failed) return;
    std::perror("the capture could not be written");
    std::_Exit(1);
}

void CaptureFile::frame(std::string_view headers, std::string_view payload) {
    microseconds_ += 10;
    const auto length = static_cast<std::uint32_t>(headers.size() + payload.size());
    const std::uint32_t header[] = {static_cast<std::uint32_t>(microseconds_ / 1'000'000),
                                    static_cast<std::uint32_t>(microseconds_ % 1'000'000), length, length};
    std::fwrite(header, sizeof header, 1, file_);
    std::fwrite(headers.data(), headers.size(), 1, file_);
    std::fwrite(payload.data(), 1, payload.size(), file_);
    bytes_ += sizeof header + length;
}

void Session::emit(CaptureFile& file, Side from, std::uint8_t flags, std::string_view payload) {
    const bool orig = from == Side::orig;
    const std::uint32_t client = 0xc6120000 + number_ / 20000;  // 198.18.0.0/15, for benchmarks (RFC 2544)
    const std::uint32_t server = 0xc0000202;
    const std::uint32_t client_port = 10000 + number_ % 20000;
    char headers[header_size] = {};
    put16(headers + 12, 0x0800);
    char* const ip = headers + 14;
    put16(ip, 0x4500);
    put16(ip + 2, static_cast<std::uint32_t>(40 + payload.size()));
    put32(ip + 8, 0x40060000);  // TTL 64, TCP
    put32(ip + 12, orig ? client : server);
    put32(ip + 16, orig ? server : client);
    put_checksum(ip + 10, sum_of({ip, 20}));
    char* const tcp = ip + 20;
    put16(tcp, orig ? client_port : 25);
    put16(tcp + 2, orig ? 25 : client_port);
    put32(tcp + 4, seq_[index(from)]);
    put32(tcp + 8, (flags & ack) != 0 ? seq_[index(opposite(from))] : 0);
    put16(tcp + 12, 0x5000U | flags);
    put16(tcp + 14, 0xffff);
    char rest[4] = {0, 6};  // of the pseudo header: protocol and length
    put16(rest + 2, static_cast<std::uint32_t>(20 + payload.size()));
    put_checksum(tcp + 16, sum_of({ip + 12, 8}) + sum_of({rest, 4}) + sum_of({tcp, 20}) + sum_of(payload));
    file.frame({headers, header_size}, payload);
    seq_[index(from)] += static_cast<std::uint32_t>(payload.size()) + ((flags & (syn | fin)) != 0 ? 1 : 0);
}

std::string_view Session::next_payload() {
    const Turn& turn = turns_[turn_];
    const bool in_text = at_ < turn.text.size();
    const std::string_view rest =
        in_text ? std::string_view(turn.text).substr(at_) : turn.block.substr(at_ - turn.text.size());
    const std::string_view payload = rest.substr(0, segment_size);
    at_ += payload.size();
    return payload;
}

bool Session::step(CaptureFile& file) {
    if (!open_) {
        open_ = true;
        emit(file, Side::orig, syn, {});
        emit(file, Side::resp, syn | ack, {});
        emit(file, Side::orig, ack, {});
        // And the first words at once: thousands of handshakes alone would look like a flood of them.
    }
    while (turn_ < turns_.size() && at_ == turns_[turn_].text.size() + turns_[turn_].block.size()) {
        ++turn_;
        at_ = 0;
    }
    if (turn_ == turns_.size()) {
        emit(file, Side::orig, fin | ack, {});
        emit(file, Side::resp, fin | ack, {});
        emit(file, Side::orig, ack, {});
        return false;
    }
    const Side side = turns_[turn_].side;
    emit(file, side, psh | ack, next_payload());
    if (++unacknowledged_ % 2 == 0) emit(file, opposite(side), ack, {});
    return true;
}

}  // namespace smtpscope::bench
