// SPDX-License-Identifier: BSD-3-Clause
#include "records/record.h"

#include <tuple>
#include <type_traits>

namespace smtpscope::records {

namespace {

// Every member of each record, in their order.
constexpr auto members(const Info*) {
    return std::tuple(&Info::ts, &Info::uid, &Info::id, &Info::trans_depth, &Info::helo, &Info::mailfrom, &Info::rcptto,
                      &Info::date, &Info::from, &Info::to, &Info::cc, &Info::reply_to, &Info::msg_id,
                      &Info::in_reply_to, &Info::subject, &Info::x_originating_ip, &Info::first_received,
                      &Info::second_received, &Info::last_reply, &Info::path, &Info::user_agent, &Info::tls,
                      &Info::fuids, &Info::is_webmail, &Info::subject_decoded, &Info::from_decoded,
                      &Info::message_bytes, &Info::duration, &Info::queue_id, &Info::reply_code, &Info::enhanced_status,
                      &Info::rejected_rcptto, &Info::auth_mechanism, &Info::auth_user, &Info::auth_success,
                      &Info::direction, &Info::community_id, &Info::tls_version, &Info::extensions, &Info::process_uid,
                      &Info::process_user, &Info::process_unit, &Info::container, &Info::missed_bytes,
                      &Info::ignored_bytes, &Info::incomplete, &Info::rejection, &Info::recipients,
                      &Info::rejected_recipients, &Info::null_sender, &Info::aborted, &Info::refused_whole);
}
constexpr auto members(const Weird*) {
    return std::tuple(&Weird::ts, &Weird::uid, &Weird::id, &Weird::name, &Weird::addl, &Weird::source);
}
constexpr auto members(const FileInfo*) {
    return std::tuple(&FileInfo::ts, &FileInfo::fuid, &FileInfo::uid, &FileInfo::id, &FileInfo::source,
                      &FileInfo::depth, &FileInfo::mime_type, &FileInfo::filename, &FileInfo::duration,
                      &FileInfo::is_orig, &FileInfo::seen_bytes, &FileInfo::total_bytes, &FileInfo::missing_bytes,
                      &FileInfo::overflow_bytes, &FileInfo::parent_fuid, &FileInfo::md5, &FileInfo::sha1,
                      &FileInfo::sha256, &FileInfo::extracted, &FileInfo::extracted_cutoff, &FileInfo::extracted_size);
}
constexpr auto members(const SslInfo*) {
    return std::tuple(&SslInfo::ts, &SslInfo::uid, &SslInfo::id, &SslInfo::version, &SslInfo::cipher, &SslInfo::curve,
                      &SslInfo::server_name, &SslInfo::resumed, &SslInfo::last_alert, &SslInfo::next_protocol,
                      &SslInfo::established);
}
constexpr auto members(const Notice*) {
    return std::tuple(&Notice::ts, &Notice::uid, &Notice::id, &Notice::note, &Notice::msg, &Notice::sub, &Notice::src,
                      &Notice::dst, &Notice::n);
}
constexpr auto members(const Software*) {
    return std::tuple(&Software::ts, &Software::id, &Software::host, &Software::software_type, &Software::name,
                      &Software::version_major, &Software::version_minor, &Software::version_minor2,
                      &Software::version_minor3, &Software::version_addl, &Software::unparsed_version);
}

template <class Class, class Member>
constexpr std::size_t end_of(std::size_t begin, Member Class::*) {
    return (begin + alignof(Member) - 1) / alignof(Member) * alignof(Member) + sizeof(Member);
}

/// Whether the list has every member that could hold memory: then their sizes add up to the size of the record.
template <class Rec>
constexpr bool is_complete() {
    const std::size_t end = std::apply(
        [](auto... member) {
            std::size_t bytes = 0;
            ((bytes = end_of(bytes, member)), ...);
            return bytes;
        },
        members(static_cast<const Rec*>(nullptr)));
    return (end + alignof(Rec) - 1) / alignof(Rec) * alignof(Rec) == sizeof(Rec);
}
static_assert(is_complete<Info>() && is_complete<Weird>() && is_complete<FileInfo>() && is_complete<SslInfo>() &&
                  is_complete<Notice>() && is_complete<Software>(),
              "give members() the member that is new, or in another place");

// The memory that a member holds outside itself. A type without a function here does not compile, unless it cannot hold
// any.
template <class T>
requires std::is_trivially_copyable_v<T> std::size_t size_of(const T&) {
    return 0;
}
std::size_t size_of(const std::string& s) {
    return s.capacity();
}
std::size_t size_of(const StringSet& set) {
    std::size_t n = 0;
    for (const std::string& s : set) n += sizeof(std::string) + s.capacity();
    return n;
}
std::size_t size_of(const std::vector<std::string>& list) {
    std::size_t n = 0;
    for (const std::string& s : list) n += sizeof(std::string) + s.capacity();
    return n;
}
std::size_t size_of(const std::vector<Address>& list) {
    return list.capacity() * sizeof(Address);
}
std::size_t size_of(const Rejection& rejection) {
    return size_of(rejection.status);
}
template <class T>
requires(!std::is_trivially_copyable_v<T>) std::size_t size_of(const std::optional<T>& value) {
    return value ? size_of(*value) : 0;
}

}  // namespace

std::size_t footprint(const Record& record) {
    return std::visit(
        [](const auto& r) {
            return std::apply([&](auto... member) { return sizeof r + (size_of(r.*member) + ...); }, members(&r));
        },
        record);
}

void deliver(const Record& record, RecordSink& to) {
    std::visit([&to](const auto& rec) { deliver(rec, to); }, record);
}

}  // namespace smtpscope::records
