// SPDX-License-Identifier: BSD-3-Clause
// What the kernel answers to a dump request, datagram by datagram, and how the answer can be wrong.
#include <linux/rtnetlink.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "capture/netlink.h"
#include "capture/source.h"
#include "catch.h"

using namespace smtpscope::capture;
namespace netlink = smtpscope::capture::netlink;

namespace {

using Bytes = std::vector<std::byte>;

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

template <typename T>
Bytes bytes_of(const T& value) {
    Bytes all(sizeof(T));
    std::memcpy(all.data(), &value, sizeof(T));
    return all;
}

Bytes text_bytes(const std::string& text) {
    Bytes all(text.size());
    if (!text.empty()) std::memcpy(all.data(), text.data(), text.size());
    return all;
}

Bytes message(unsigned type, const Bytes& payload = {}, unsigned flags = NLM_F_MULTI) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + payload.size());
    header.nlmsg_type = static_cast<std::uint16_t>(type);
    header.nlmsg_flags = static_cast<std::uint16_t>(flags);
    Bytes all = bytes_of(header) + payload;
    all.resize(NLMSG_ALIGN(all.size()));
    return all;
}

Bytes done(int code = 0) {
    return message(NLMSG_DONE, bytes_of(code));
}

Bytes attribute(unsigned type, const Bytes& value) {
    nlattr header{};
    header.nla_len = static_cast<std::uint16_t>(sizeof(header) + value.size());
    header.nla_type = static_cast<std::uint16_t>(type);
    Bytes all = bytes_of(header) + value;
    all.resize(NLA_ALIGN(all.size()));
    return all;
}

Bytes without_end(Bytes all, std::size_t cut) {
    all.resize(all.size() - cut);
    return all;
}

/// `type:bytes of payload` of each message.
std::string messages_of(const netlink::Answer& answer) {
    std::string all;
    answer.for_each([&](const nlmsghdr& m) {
        all +=
            (all.empty() ? "" : " ") + std::to_string(m.nlmsg_type) + ":" + std::to_string(m.nlmsg_len - NLMSG_HDRLEN);
    });
    return all;
}

/// What is wrong with a datagram; empty if nothing is.
std::string complaint(const Bytes& datagram) {
    netlink::Answer answer;
    try {
        answer.add(datagram);
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

/// `type=text` of each attribute.
std::string attributes_of(const Bytes& payload) {
    std::string all;
    netlink::for_each_attribute(payload, [&](unsigned type, netlink::Payload value) {
        all += (all.empty() ? "" : " ") + std::to_string(type) + "=" + netlink::text(value);
    });
    return all;
}

}  // namespace

TEST_CASE("netlink: an answer comes in datagrams of several messages, and ends with NLMSG_DONE", "[netlink]") {
    netlink::Answer answer;
    CHECK(answer.add(message(20, Bytes(4)) + message(21)));
    CHECK(answer.add(message(22, Bytes(5)) + message(23, Bytes(8))));  // 5 and three to align the next
    CHECK(messages_of(answer) == "20:4 21:0 22:5 23:8");
    CHECK_FALSE(answer.add(message(24) + done() + message(25)));
    CHECK(messages_of(answer) == "20:4 21:0 22:5 23:8 24:0");
    CHECK_FALSE(answer.interrupted());
}

TEST_CASE("netlink: the last message of a datagram may lack the padding", "[netlink]") {
    netlink::Answer answer;
    CHECK(answer.add(without_end(message(20, Bytes(5)), 3)));
    CHECK_FALSE(answer.add(message(21) + done()));
    CHECK(messages_of(answer) == "20:5 21:0");
}

TEST_CASE("netlink: an answer that ends with an error is none", "[netlink]") {
    const std::string failed = "netlink dump failed: ";
    const struct {
        const char* name;
        Bytes datagram;
        std::string error;
    } rows[] = {
        {"whole", message(20) + done(), ""},
        {"an acknowledgement", message(NLMSG_ERROR, bytes_of(0) + Bytes(NLMSG_HDRLEN)), ""},
        {"NLMSG_DONE with an error", message(20) + done(-ENOBUFS), failed + std::strerror(ENOBUFS)},
        {"NLMSG_ERROR", message(NLMSG_ERROR, bytes_of(-EPERM) + Bytes(NLMSG_HDRLEN)), failed + std::strerror(EPERM)},
        {"the lowest of all numbers", done(INT_MIN), failed + std::strerror(INT_MIN)},
        {"nothing", {}, failed + std::strerror(EBADMSG)},
        {"less than a header", without_end(message(20), 1), failed + std::strerror(EBADMSG)},
        {"less than a header behind a message", message(20) + Bytes(4), failed + std::strerror(EBADMSG)},
        {"longer than its datagram", without_end(message(20, Bytes(8)), 4), failed + std::strerror(EBADMSG)},
        {"length less than a header", bytes_of(nlmsghdr{8, 20, 0, 0, 0}), failed + std::strerror(EBADMSG)},
        {"NLMSG_ERROR without its number", message(NLMSG_ERROR) + message(20), failed + std::strerror(EBADMSG)},
        {"NLMSG_DONE with half a number", message(NLMSG_DONE, Bytes(2)), failed + std::strerror(EBADMSG)},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(complaint(row.datagram) == row.error);
    }
}

TEST_CASE("netlink: an answer that was interrupted says so", "[netlink]") {
    const unsigned flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
    netlink::Answer in_between, at_the_end;
    CHECK(in_between.add(message(20) + message(21, {}, flags)));
    CHECK_FALSE(in_between.add(message(22) + done()));
    CHECK(in_between.interrupted());
    CHECK(at_the_end.add(message(20)));
    CHECK_FALSE(at_the_end.interrupted());
    CHECK_FALSE(at_the_end.add(message(NLMSG_DONE, bytes_of(0), flags)));
    CHECK(at_the_end.interrupted());
}

TEST_CASE("netlink: attributes", "[netlink]") {
    const Bytes one = attribute(1, text_bytes("one")), two = attribute(2, text_bytes("second"));
    const struct {
        const char* name;
        Bytes payload;
        std::string attributes;
    } rows[] = {
        {"none", {}, ""},
        {"two", one + two, "1=one 2=second"},
        {"the last one without padding", two + without_end(one, 1), "2=second 1=one"},
        {"text up to its NUL", attribute(3, text_bytes(std::string("a\0b", 3))), "3=a"},
        {"empty", attribute(4, {}) + one, "4= 1=one"},
        {"flags are not of the type", attribute(NLA_F_NESTED | 5, text_bytes("x")), "5=x"},
        {"cut off", one + without_end(two, 3), "1=one"},
        {"a header cut off", one + Bytes(3), "1=one"},
        {"a length less than its header", one + bytes_of(nlattr{3, 6}) + two, "1=one"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        CHECK(attributes_of(row.payload) == row.attributes);
    }
}

TEST_CASE("netlink: a number that is cut off is 0", "[netlink]") {
    CHECK(netlink::number<std::uint32_t>(bytes_of(std::uint32_t{77})) == 77);
    CHECK(netlink::number<std::uint32_t>(bytes_of(std::uint16_t{77})) == 0);
    CHECK(netlink::number<std::uint8_t>(bytes_of(std::uint32_t{0x4d4d4d4d})) == 0x4d);
}

TEST_CASE("netlink: a message without its fixed part has no attributes", "[netlink]") {
    const Bytes whole = message(RTM_NEWLINK, bytes_of(ifinfomsg{}) + attribute(1, text_bytes("x")));
    const Bytes bare = message(RTM_NEWLINK, Bytes(4));
    netlink::Answer answer;
    CHECK(answer.add(whole + bare));
    std::vector<std::size_t> sizes;
    answer.for_each([&](const nlmsghdr& m) { sizes.push_back(netlink::attributes<ifinfomsg>(m).size()); });
    CHECK(sizes == std::vector<std::size_t>{8, 0});
}

TEST_CASE("netlink: the kernel answers, and refuses with the reason", "[netlink]") {
    ifinfomsg request{};
    std::size_t links = 0;
    netlink::dump(RTM_GETLINK, request, [&](const nlmsghdr& m) { links += m.nlmsg_type == RTM_NEWLINK ? 1 : 0; });
    CHECK(links > 0);
    const auto unknown = [&] { netlink::dump(RTM_MAX + 100, request, [](const nlmsghdr&) {}); };
    CHECK_THROWS_WITH(unknown(), "netlink dump failed: " + std::string(std::strerror(EOPNOTSUPP)));
}
