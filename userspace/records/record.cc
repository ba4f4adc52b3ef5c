// SPDX-License-Identifier: BSD-3-Clause
#include "records/record.h"

namespace smtpscope::records {

namespace {

std::size_t size_of(const std::optional<std::string>& s) {
    return s ? s->capacity() : 0;
}

std::size_t size_of(const std::optional<StringSet>& set) {
    std::size_t n = 0;
    if (set) {
        for (const std::string& s : *set) n += sizeof(std::string) + s.capacity();
    }
    return n;
}

std::size_t size_of(const Info& r) {
    std::size_t n = sizeof r + r.uid.capacity() + r.path.capacity() * sizeof(Address);
    for (const auto* s : {&r.helo, &r.mailfrom, &r.date, &r.from, &r.reply_to, &r.msg_id, &r.in_reply_to, &r.subject,
                          &r.first_received, &r.second_received, &r.last_reply, &r.user_agent}) {
        n += size_of(*s);
    }
    for (const auto* set : {&r.rcptto, &r.to, &r.cc}) n += size_of(*set);
    for (const auto* s : {&r.subject_decoded, &r.from_decoded, &r.queue_id, &r.enhanced_status, &r.auth_mechanism,
                          &r.auth_user, &r.direction, &r.community_id, &r.tls_version}) {
        n += size_of(*s);
    }
    for (const auto* list : {&r.fuids, &r.rejected_rcptto, &r.extensions}) {
        for (const std::string& s : *list) n += sizeof(std::string) + s.capacity();
    }
    return n;
}

std::size_t size_of(const FileInfo& r) {
    std::size_t n = sizeof r + r.fuid.capacity() + r.uid.capacity() + r.source.capacity();
    for (const auto* s : {&r.mime_type, &r.filename, &r.parent_fuid, &r.md5, &r.sha1, &r.sha256, &r.extracted}) {
        n += size_of(*s);
    }
    return n;
}

std::size_t size_of(const SslInfo& r) {
    std::size_t n = sizeof r + r.uid.capacity();
    for (const auto* s : {&r.version, &r.cipher, &r.curve, &r.server_name, &r.last_alert, &r.next_protocol}) {
        n += size_of(*s);
    }
    return n;
}

std::size_t size_of(const Notice& r) {
    return sizeof r + r.uid.capacity() + r.note.capacity() + r.msg.capacity() + r.sub.capacity();
}

std::size_t size_of(const Software& r) {
    return sizeof r + r.software_type.capacity() + r.name.capacity() + size_of(r.version_addl) +
           r.unparsed_version.capacity();
}

std::size_t size_of(const Weird& r) {
    return sizeof r + r.uid.capacity() + r.name.capacity() + r.addl.capacity() + r.source.capacity();
}

}  // namespace

std::size_t footprint(const Record& record) {
    return std::visit([](const auto& r) { return size_of(r); }, record);
}

void deliver(const Record& record, RecordSink& to) {
    std::visit([&to](const auto& rec) { deliver(rec, to); }, record);
}

}  // namespace smtpscope::records
