// SPDX-License-Identifier: BSD-3-Clause
// Capture files of every kind that is read, and of the kinds that are refused.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "smtpscope/capture_file.h"

using namespace smtpscope;

namespace {

/// A file that goes when the test does.
class File {
  public:
    explicit File(const std::string& content) {
        char name[] = "/tmp/smtpscope-pcap-XXXXXX";
        const int fd = mkstemp(name);
        REQUIRE(fd >= 0);
        close(fd);
        path_ = name;
        std::ofstream(path_, std::ios::binary) << content;
    }
    ~File() { std::remove(path_.c_str()); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

enum class Order { little, big };

std::string number(std::uint64_t value, int bytes, Order order = Order::little) {
    std::string text;
    for (int i = 0; i < bytes; ++i)
        text += static_cast<char>(value >> (8 * (order == Order::little ? i : bytes - 1 - i)));
    return text;
}

constexpr std::uint32_t micro = 0xa1b2c3d4, nano = 0xa1b23c4d;

std::string pcap_header(std::uint32_t magic, std::uint32_t link, Order order = Order::little) {
    return number(magic, 4, order) + number(2, 2, order) + number(4, 2, order) + number(0, 8, order) +
           number(65535, 4, order) + number(link, 4, order);
}

std::string pcap_packet(std::uint32_t seconds, std::uint32_t fraction, const std::string& data,
                        std::uint32_t wire_length, Order order = Order::little) {
    return number(seconds, 4, order) + number(fraction, 4, order) + number(data.size(), 4, order) +
           number(wire_length, 4, order) + data;
}

std::string block(std::uint32_t type, std::string body) {
    body.resize((body.size() + 3) & ~std::size_t{3});
    const std::string length = number(body.size() + 12, 4);
    return number(type, 4) + length + body + length;
}

/// With nanoseconds (if_tsresol 9).
std::string pcapng(std::uint16_t link, std::uint64_t ns, const std::string& data) {
    return block(0x0a0d0d0a, number(0x1a2b3c4d, 4) + number(1, 2) + number(0, 2) + number(~std::uint64_t{0}, 8)) +
           block(1, number(link, 2) + number(0, 2) + number(0, 4) + number(9, 2) + number(1, 2) + number(9, 1) +
                        number(0, 3) + number(0, 4)) +
           block(6, number(0, 4) + number(ns >> 32, 4) + number(ns & 0xffffffff, 4) + number(data.size(), 4) +
                        number(data.size(), 4) + data);
}

struct Seen {
    std::int64_t ns;
    LinkType link;
    Checksum checksum;
    std::uint32_t wire_length;
    std::string data;
};

struct Result {
    std::vector<Seen> packets;
    CaptureFile::Status status = CaptureFile::Status::more;
};

Result read_all(CaptureFile& source) {
    Result result;
    while (result.status == CaptureFile::Status::more)
        result.status = source.read([&](const Packet& p) {
            result.packets.push_back({p.ts.time_since_epoch().count(), p.link, p.checksum, p.wire_length,
                                      std::string(p.data.begin(), p.data.end())});
        });
    return result;
}

Result read_file(const std::string& content) {
    const File file(content);
    CaptureFile source(file.path());
    return read_all(source);
}

std::string error_of(const std::string& path) {
    try {
        CaptureFile source(path);
        read_all(source);
    } catch (const CaptureFileError& e) {
        return e.what();
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("capture files in every form", "[pcap]") {
    struct Row {
        const char* name;
        std::string content;
        std::int64_t ns;
        LinkType link;
    };
    const std::vector<Row> rows = {
        {"microseconds", pcap_header(micro, 1) + pcap_packet(10, 123456, "abcd", 9), 10'123'456'000,
         LinkType::ethernet},
        {"nanoseconds", pcap_header(nano, 1) + pcap_packet(10, 123456789, "abcd", 9), 10'123'456'789,
         LinkType::ethernet},
        {"big endian", pcap_header(micro, 1, Order::big) + pcap_packet(10, 5, "abcd", 9, Order::big), 10'000'005'000,
         LinkType::ethernet},
        {"raw IP", pcap_header(micro, 101) + pcap_packet(1, 0, "abcd", 9), 1'000'000'000, LinkType::raw_ip},
        {"raw IPv4", pcap_header(micro, 228) + pcap_packet(1, 0, "abcd", 9), 1'000'000'000, LinkType::raw_ip},
        {"raw IPv6", pcap_header(micro, 229) + pcap_packet(1, 0, "abcd", 9), 1'000'000'000, LinkType::raw_ip},
        {"BSD loopback", pcap_header(micro, 0) + pcap_packet(1, 0, "abcd", 9), 1'000'000'000, LinkType::null_loop},
        {"OpenBSD loopback", pcap_header(micro, 108) + pcap_packet(1, 0, "abcd", 9), 1'000'000'000,
         LinkType::null_loop},
        {"Linux cooked", pcap_header(micro, 113) + pcap_packet(1, 0, std::string(20, 'a'), 29), 1'000'000'000,
         LinkType::linux_sll},
        {"Linux cooked, version 2", pcap_header(micro, 276) + pcap_packet(1, 0, std::string(24, 'a'), 29),
         1'000'000'000, LinkType::linux_sll2},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        const Result result = read_file(row.content);
        CHECK(result.status == CaptureFile::Status::end);
        REQUIRE(result.packets.size() == 1);
        CHECK(result.packets[0].ns == row.ns);
        CHECK(result.packets[0].link == row.link);
        CHECK(result.packets[0].wire_length > result.packets[0].data.size());
        CHECK(result.packets[0].checksum == Checksum::validate);
    }
    const Result result = read_file(pcapng(1, 10'123'456'789, "abcdef"));
    CHECK(result.status == CaptureFile::Status::end);
    REQUIRE(result.packets.size() == 1);
    CHECK(result.packets[0].ns == 10'123'456'789);
    CHECK(result.packets[0].data == "abcdef");
}

TEST_CASE("a file that ends within a packet gives every whole one before", "[pcap]") {
    std::string whole = pcap_header(micro, 1);
    for (int i = 0; i < 3000; ++i) whole += pcap_packet(1, 0, std::string(50, 'x'), 50);
    CHECK(read_file(whole).status == CaptureFile::Status::end);
    for (const std::size_t missing : {1U, 49U, 50U, 51U, 65U}) {
        INFO(missing << " bytes missing");
        const Result result = read_file(whole.substr(0, whole.size() - missing));
        CHECK(result.status == CaptureFile::Status::truncated);
        CHECK(result.packets.size() == 2999);
    }
    const std::string ng = pcapng(1, 5, std::string(50, 'x'));
    const Result result = read_file(ng + ng.substr(ng.size() - 84, 40));
    CHECK(result.status == CaptureFile::Status::truncated);
    CHECK(result.packets.size() == 1);
}

TEST_CASE("an empty capture is no error", "[pcap]") {
    CHECK(read_file(pcap_header(micro, 1)).status == CaptureFile::Status::end);
}

TEST_CASE("what cannot be read is named, with the reason", "[pcap]") {
    const std::string missing = error_of("/nonexistent/x.pcap");
    CHECK(missing == "/nonexistent/x.pcap: No such file or directory");
    CHECK(contains(error_of("/tmp"), "/tmp: is a directory"));
    for (const std::string& content : {std::string(), std::string("hello"), std::string(100, 'x')}) {
        const File file(content);
        CHECK(contains(error_of(file.path()), file.path() + ": not a capture file"));
    }
    const File wireless(pcap_header(micro, 105));
    CHECK(contains(error_of(wireless.path()), wireless.path() + ": packets of link type IEEE802_11 cannot be read"));
    const File broken(pcap_header(micro, 1) + number(1, 4) + number(0, 4) + number(0x7fffffff, 4) + number(4, 4) +
                      "abcd");
    CHECK(contains(error_of(broken.path()), broken.path() + ": "));
}

TEST_CASE("an exception of the handler comes through, and reading can go on", "[pcap]") {
    std::string content = pcap_header(micro, 1);
    for (int i = 0; i < 3; ++i) content += pcap_packet(1, 0, std::string(1, static_cast<char>('a' + i)), 1);
    const File file(content);
    CaptureFile source(file.path());
    CHECK_THROWS_AS(source.read([](const Packet&) { throw std::runtime_error("enough"); }), std::runtime_error);
    const Result rest = read_all(source);
    REQUIRE(rest.packets.size() == 2);
    CHECK(rest.packets[0].data == "b");
}

TEST_CASE("progress is told in bytes of the file", "[pcap]") {
    const std::string content = pcap_header(micro, 1) + pcap_packet(1, 0, std::string(50, 'x'), 50);
    const File file(content);
    CaptureFile source(file.path());
    CHECK(source.bytes_total() == content.size());
    CHECK(source.bytes_read() < content.size());
    read_all(source);
    CHECK(source.bytes_read() == content.size());
}
