// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/capture_file.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace smtpscope {
namespace {

constexpr int batch = 1024;  ///< packets per read(): few enough to return often, many enough to cost nothing
constexpr std::size_t read_ahead = std::size_t{256} << 10;

std::optional<LinkType> link_type(int dlt) {
    switch (dlt) {
        case DLT_EN10MB:
            return LinkType::ethernet;
        case DLT_RAW:
        case DLT_IPV4:
        case DLT_IPV6:
            return LinkType::raw_ip;
        case DLT_NULL:
        case DLT_LOOP:
            return LinkType::null_loop;
        case DLT_LINUX_SLL:
            return LinkType::linux_sll;
#ifdef DLT_LINUX_SLL2
        case DLT_LINUX_SLL2:
            return LinkType::linux_sll2;
#endif
        default:
            return std::nullopt;
    }
}

std::string link_name(int dlt) {
    const char* name = pcap_datalink_val_to_name(dlt);
    return name != nullptr ? name : std::to_string(dlt);
}

}  // namespace

class CaptureFile::Impl {
  public:
    explicit Impl(const std::string& path) : name_(path == "-" ? "standard input" : path) {
        std::FILE* file = open(path);
        std::setvbuf(file, ahead_.get(), _IOFBF, read_ahead);  // without a buffer glibc ignores the size
        std::array<char, PCAP_ERRBUF_SIZE> error{};
        pcap_ = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error.data());
        if (pcap_ == nullptr) {
            std::fclose(file);
            throw CaptureFileError(name_ + ": not a capture file that can be read (pcap or pcapng): " + error.data());
        }
        const auto link = link_type(pcap_datalink(pcap_));
        if (!link) {
            const std::string type = link_name(pcap_datalink(pcap_));
            pcap_close(pcap_);
            throw CaptureFileError(name_ + ": packets of link type " + type +
                                   " cannot be read; Ethernet, raw IP, loopback and Linux cooked captures can");
        }
        packet_.link = *link;
        read_ = sizeof(pcap_file_header);
    }
    ~Impl() { pcap_close(pcap_); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Status read(const PacketHandler& handler) {
        handler_ = &handler;
        const int count = pcap_dispatch(pcap_, batch, &Impl::deliver, reinterpret_cast<u_char*>(this));
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
        // A break that an exception asked for is reported again by the next call.
        if (count > 0 || count == PCAP_ERROR_BREAK) return Status::more;
        if (count == 0) return Status::end;
        const std::string_view message = pcap_geterr(pcap_);
        if (message.starts_with("truncated")) return Status::truncated;
        throw CaptureFileError(name_ + ": " + std::string(message));
    }

    std::uint64_t bytes_read() const { return read_; }
    std::uint64_t bytes_total() const { return total_; }

  private:
    /// Bytes that a file uses for a packet besides its data.
    static constexpr std::uint64_t packet_overhead = 16;

    std::FILE* open(const std::string& path) {
        // A stream of our own for standard input, too: it uses our buffer, which no longer exists when stdin is closed.
        std::FILE* file =
            path == "-" ? fdopen(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), "rb") : std::fopen(path.c_str(), "rbe");
        if (file == nullptr) throw CaptureFileError(name_ + ": " + std::strerror(errno));
        struct stat status {};
        if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
            std::fclose(file);
            throw CaptureFileError(name_ + ": is a directory");
        }
        if (S_ISREG(status.st_mode)) total_ = static_cast<std::uint64_t>(status.st_size);
        return file;
    }

    /// No exception may pass through libpcap, which is C: it is kept until pcap_dispatch has returned.
    static void deliver(u_char* self, const pcap_pkthdr* header, const u_char* data) {
        Impl& impl = *reinterpret_cast<Impl*>(self);
        if (impl.thrown_) return;
        Packet& packet = impl.packet_;
        // tv_usec holds nanoseconds, because that is the precision that was asked for.
        packet.ts = from_nanoseconds(static_cast<std::int64_t>(header->ts.tv_sec) * 1'000'000'000 + header->ts.tv_usec);
        packet.wire_length = header->len;
        packet.data = {data, header->caplen};
        impl.read_ += packet_overhead + header->caplen;
        try {
            (*impl.handler_)(packet);
        } catch (...) {
            impl.thrown_ = std::current_exception();
            pcap_breakloop(impl.pcap_);
        }
    }

    std::string name_;
    std::unique_ptr<char[]> ahead_ = std::make_unique_for_overwrite<char[]>(read_ahead);
    pcap_t* pcap_ = nullptr;
    Packet packet_;
    const PacketHandler* handler_ = nullptr;
    std::exception_ptr thrown_;
    std::uint64_t read_ = 0;
    std::uint64_t total_ = 0;
};

CaptureFile::CaptureFile(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
CaptureFile::~CaptureFile() = default;

CaptureFile::Status CaptureFile::read(const PacketHandler& handler) {
    return impl_->read(handler);
}
std::uint64_t CaptureFile::bytes_read() const {
    return impl_->bytes_read();
}
std::uint64_t CaptureFile::bytes_total() const {
    return impl_->bytes_total();
}

}  // namespace smtpscope
