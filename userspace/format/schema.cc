// SPDX-License-Identifier: BSD-3-Clause
#include "format/schema.h"

#include <algorithm>
#include <optional>

#include "base/words.h"

namespace smtpscope::format {
namespace {

/// A field of `Record`, before the formats' keys are derived.
template <class Record>
struct Field {
    std::string_view name;
    std::string_view type;
    Value (*get)(const Record&);
    void (*set)(Record&, const Value&) = nullptr;  ///< nullptr: not part of a summary
};

// The name of each member type in a TSV header, and how its value is read.
constexpr std::string_view type_name(const bool*) {
    return "bool";
}
constexpr std::string_view type_name(const std::uint16_t*) {
    return "port";
}
constexpr std::string_view type_name(const std::uint64_t*) {
    return "count";
}
constexpr std::string_view type_name(const Timestamp*) {
    return "time";
}
constexpr std::string_view type_name(const Duration*) {
    return "interval";
}
constexpr std::string_view type_name(const std::string*) {
    return "string";
}
constexpr std::string_view type_name(const Address*) {
    return "addr";
}
constexpr std::string_view type_name(const StringSet*) {
    return "set[string]";
}
constexpr std::string_view type_name(const std::vector<std::string>*) {
    return "vector[string]";
}
constexpr std::string_view type_name(const std::vector<Address>*) {
    return "vector[addr]";
}
template <class T>
constexpr std::string_view type_name(const std::optional<T>*) {
    return type_name(static_cast<const T*>(nullptr));
}

Value value_of(bool v) {
    return v;
}
Value value_of(std::uint16_t v) {
    return std::uint64_t{v};
}
Value value_of(std::uint64_t v) {
    return v;
}
Value value_of(Timestamp v) {
    return v;
}
Value value_of(Duration v) {
    return v;
}
Value value_of(const std::string& v) {
    return std::string_view(v);
}
Value value_of(const Address& v) {
    return v;
}
Value value_of(const StringSet& v) {
    return std::span<const std::string>(v.begin(), v.end());
}
Value value_of(const std::vector<std::string>& v) {
    return std::span<const std::string>(v);
}
Value value_of(const std::vector<Address>& v) {
    return std::span<const Address>(v);
}
template <class T>
Value value_of(const std::optional<T>& v) {
    return v ? value_of(*v) : Value();
}

constexpr std::string_view hidden_text = "(hidden)";

std::string text_of(const Value& v) {
    const auto* text = std::get_if<std::string_view>(&v);
    return std::string(text ? *text : hidden_text);
}
std::span<const std::string> texts_of(const Value& v) {
    static const std::string hidden[] = {std::string(hidden_text)};
    const auto* texts = std::get_if<std::span<const std::string>>(&v);
    return texts ? *texts : hidden;
}
void assign(std::string& to, const Value& v) {
    to = text_of(v);
}
void assign(StringSet& to, const Value& v) {
    to = StringSet();
    for (const std::string& text : texts_of(v)) to.insert(text);
}
void assign(std::vector<std::string>& to, const Value& v) {
    const auto texts = texts_of(v);
    to.assign(texts.begin(), texts.end());
}
/// Numbers and similar values cannot be replaced by others.
template <class T>
void assign(T& to, const Value&) {
    to = T();
}
template <class T>
void assign(std::optional<T>& to, const Value& v) {
    if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, StringSet>)
        assign(to.emplace(), v);
    else
        to.reset();
}

template <class Record, class Member>
Record record_of(Member Record::*);

template <auto First, auto... Rest>
constexpr auto& member(auto& record) {
    if constexpr (sizeof...(Rest) == 0)
        return record.*First;
    else
        return member<Rest...>(record.*First);
}

/// The member that the pointers lead to.
template <auto First, auto... Rest>
constexpr auto field(std::string_view name) {
    using Record = decltype(record_of(First));
    using Member = std::remove_cvref_t<decltype(member<First, Rest...>(std::declval<const Record&>()))>;
    return Field<Record>{name, type_name(static_cast<const Member*>(nullptr)),
                         [](const Record& r) { return value_of(member<First, Rest...>(r)); },
                         [](Record& r, const Value& v) { assign(member<First, Rest...>(r), v); }};
}

/// A member that is not set when it is empty.
template <auto Member>
constexpr auto field_unless_empty(std::string_view name) {
    using Record = decltype(record_of(Member));
    using Type = std::remove_cvref_t<decltype(std::declval<const Record&>().*Member)>;
    return Field<Record>{name, type_name(static_cast<const Type*>(nullptr)),
                         [](const Record& r) { return (r.*Member).empty() ? Value() : value_of(r.*Member); },
                         [](Record& r, const Value& v) { assign(r.*Member, v); }};
}

constexpr Field<Info> smtp_fields[] = {
    field<&Info::ts>("ts"),
    field<&Info::uid>("uid"),
    field<&Info::id, &ConnId::orig_h>("id.orig_h"),
    field<&Info::id, &ConnId::orig_p>("id.orig_p"),
    field<&Info::id, &ConnId::resp_h>("id.resp_h"),
    field<&Info::id, &ConnId::resp_p>("id.resp_p"),
    field<&Info::trans_depth>("trans_depth"),
    field<&Info::helo>("helo"),
    field<&Info::mailfrom>("mailfrom"),
    field<&Info::rcptto>("rcptto"),
    field<&Info::date>("date"),
    field<&Info::from>("from"),
    field<&Info::to>("to"),
    field<&Info::cc>("cc"),
    field<&Info::reply_to>("reply_to"),
    field<&Info::msg_id>("msg_id"),
    field<&Info::in_reply_to>("in_reply_to"),
    field<&Info::subject>("subject"),
    field<&Info::x_originating_ip>("x_originating_ip"),
    field<&Info::first_received>("first_received"),
    field<&Info::second_received>("second_received"),
    field<&Info::last_reply>("last_reply"),
    field<&Info::path>("path"),
    field<&Info::user_agent>("user_agent"),
    field<&Info::tls>("tls"),
    field<&Info::fuids>("fuids"),
    field<&Info::is_webmail>("is_webmail"),
    field<&Info::subject_decoded>("subject_decoded"),
    field<&Info::from_decoded>("from_decoded"),
    field<&Info::message_bytes>("message_bytes"),
    field<&Info::duration>("duration"),
    field<&Info::queue_id>("queue_id"),
    field<&Info::reply_code>("reply_code"),
    field<&Info::enhanced_status>("enhanced_status"),
    field_unless_empty<&Info::rejected_rcptto>("rejected_rcptto"),
    field<&Info::auth_mechanism>("auth_mechanism"),
    field<&Info::auth_user>("auth_user"),
    field<&Info::auth_success>("auth_success"),
    field<&Info::direction>("direction"),
    field<&Info::community_id>("community_id"),
    field<&Info::tls_version>("tls_version"),
    field_unless_empty<&Info::extensions>("extensions"),
    field<&Info::process_uid>("process_uid"),
    field<&Info::process_user>("process_user"),
    field<&Info::process_unit>("process_unit"),
    field<&Info::container>("container"),
    field<&Info::missed_bytes>("missed_bytes"),
    field<&Info::ignored_bytes>("ignored_bytes"),
    field<&Info::incomplete>("incomplete"),
};

constexpr Field<Weird> weird_fields[] = {
    field<&Weird::ts>("ts"),
    field<&Weird::uid>("uid"),
    field<&Weird::id, &ConnId::orig_h>("id.orig_h"),
    field<&Weird::id, &ConnId::orig_p>("id.orig_p"),
    field<&Weird::id, &ConnId::resp_h>("id.resp_h"),
    field<&Weird::id, &ConnId::resp_p>("id.resp_p"),
    field<&Weird::name>("name"),
    field_unless_empty<&Weird::addl>("addl"),
    // Only the reference has these: whether it also raised a notice, and which of its nodes reported it.
    {"notice", "bool", [](const Weird&) { return Value(false); }},
    {"peer", "string", [](const Weird&) { return Value(); }},
    field_unless_empty<&Weird::source>("source"),
};

constexpr Field<FileInfo> file_fields[] = {
    field<&FileInfo::ts>("ts"),
    field<&FileInfo::fuid>("fuid"),
    field<&FileInfo::uid>("uid"),
    field<&FileInfo::id, &ConnId::orig_h>("id.orig_h"),
    field<&FileInfo::id, &ConnId::orig_p>("id.orig_p"),
    field<&FileInfo::id, &ConnId::resp_h>("id.resp_h"),
    field<&FileInfo::id, &ConnId::resp_p>("id.resp_p"),
    field<&FileInfo::source>("source"),
    field<&FileInfo::depth>("depth"),
    field<&FileInfo::mime_type>("mime_type"),
    field<&FileInfo::filename>("filename"),
    field<&FileInfo::duration>("duration"),
    field<&FileInfo::is_orig>("is_orig"),
    field<&FileInfo::seen_bytes>("seen_bytes"),
    field<&FileInfo::total_bytes>("total_bytes"),
    field<&FileInfo::missing_bytes>("missing_bytes"),
    field<&FileInfo::overflow_bytes>("overflow_bytes"),
    field<&FileInfo::parent_fuid>("parent_fuid"),
    field<&FileInfo::md5>("md5"),
    field<&FileInfo::sha1>("sha1"),
    field<&FileInfo::sha256>("sha256"),
    field<&FileInfo::extracted>("extracted"),
    field<&FileInfo::extracted_cutoff>("extracted_cutoff"),
    field<&FileInfo::extracted_size>("extracted_size"),
};

constexpr Field<SslInfo> ssl_fields[] = {
    field<&SslInfo::ts>("ts"),
    field<&SslInfo::uid>("uid"),
    field<&SslInfo::id, &ConnId::orig_h>("id.orig_h"),
    field<&SslInfo::id, &ConnId::orig_p>("id.orig_p"),
    field<&SslInfo::id, &ConnId::resp_h>("id.resp_h"),
    field<&SslInfo::id, &ConnId::resp_p>("id.resp_p"),
    field<&SslInfo::version>("version"),
    field<&SslInfo::cipher>("cipher"),
    field<&SslInfo::curve>("curve"),
    field<&SslInfo::server_name>("server_name"),
    field<&SslInfo::resumed>("resumed"),
    field<&SslInfo::last_alert>("last_alert"),
    field<&SslInfo::next_protocol>("next_protocol"),
    field<&SslInfo::established>("established"),
};

constexpr Field<Notice> notice_fields[] = {
    field<&Notice::ts>("ts"),
    field<&Notice::uid>("uid"),
    field<&Notice::id, &ConnId::orig_h>("id.orig_h"),
    field<&Notice::id, &ConnId::orig_p>("id.orig_p"),
    field<&Notice::id, &ConnId::resp_h>("id.resp_h"),
    field<&Notice::id, &ConnId::resp_p>("id.resp_p"),
    {"proto", "enum", [](const Notice&) { return Value(std::string_view("tcp")); }},
    {"note", "enum", [](const Notice& n) { return Value(std::string_view(n.note)); },
     [](Notice& n, const Value& v) { assign(n.note, v); }},
    field<&Notice::msg>("msg"),
    field_unless_empty<&Notice::sub>("sub"),
    field<&Notice::src>("src"),
    field<&Notice::dst>("dst"),
    field<&Notice::id, &ConnId::resp_p>("p"),
    {"n", "count", [](const Notice& n) { return n.n == 0 ? Value() : Value(n.n); }},
};

constexpr Field<Software> software_fields[] = {
    field<&Software::ts>("ts"),
    field<&Software::host>("host"),
    {"software_type", "enum", [](const Software& s) { return Value(std::string_view(s.software_type)); },
     [](Software& s, const Value& v) { assign(s.software_type, v); }},
    field<&Software::name>("name"),
    field<&Software::version_major>("version.major"),
    field<&Software::version_minor>("version.minor"),
    field<&Software::version_minor2>("version.minor2"),
    field<&Software::version_minor3>("version.minor3"),
    field<&Software::version_addl>("version.addl"),
    field<&Software::unparsed_version>("unparsed_version"),
};

enum : std::size_t { smtp_index, weird_index, files_index, ssl_index, notice_index, software_index };
enum : int { warning_priority = 4, notice_priority = 5, info_priority = 6 };

/// `SMTP_ID_ORIG_H=`: journald accepts capitals, digits and underscores, and 64 bytes at most.
std::string journal_key(std::string_view stream, std::string_view name) {
    std::string key;
    for (const char c : std::string(stream) + "_" + std::string(name)) {
        const bool letter = c >= 'a' && c <= 'z';
        const bool digit = c >= '0' && c <= '9';
        key += letter ? static_cast<char>(c - 'a' + 'A') : digit ? c : '_';
    }
    key.resize(std::min<std::size_t>(key.size(), 64));
    return key + "=";
}

Stream make_stream(std::string_view name, std::size_t index, int priority, const auto& fields) {
    Stream stream{name, index, priority, {}};
    for (const auto& f : fields)
        stream.columns.push_back(
            {std::string(f.name), std::string(f.type), "\"" + std::string(f.name) + "\":", journal_key(name, f.name)});
    return stream;
}

void read_all(const auto& fields, const auto& rec, std::vector<Value>& values) {
    values.clear();
    for (const auto& f : fields) values.push_back(f.get(rec));
}

void write_all(const auto& fields, std::span<const Value> values, const Marks& marks, auto& rec) {
    for (std::size_t i = 0; i < values.size(); ++i)
        if (marks[i] && fields[i].set) fields[i].set(rec, values[i]);
}

}  // namespace

std::span<const Stream> streams() {
    static const Stream all[] = {make_stream("smtp", smtp_index, info_priority, smtp_fields),
                                 make_stream("weird", weird_index, notice_priority, weird_fields),
                                 make_stream("files", files_index, info_priority, file_fields),
                                 make_stream("ssl", ssl_index, info_priority, ssl_fields),
                                 make_stream("notice", notice_index, warning_priority, notice_fields),
                                 make_stream("software", software_index, info_priority, software_fields)};
    return all;
}

const std::vector<std::string_view>& stream_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const Stream& s : streams()) all.push_back(s.name);
        return all;
    }();
    return names;
}

std::optional<std::size_t> find_column(const Stream& stream, std::string_view name) {
    for (std::size_t i = 0; i < stream.columns.size(); ++i)
        if (stream.columns[i].name == name) return i;
    return std::nullopt;
}

const Stream& stream_of(const Info&) {
    return streams()[smtp_index];
}
const Stream& stream_of(const Weird&) {
    return streams()[weird_index];
}

const Stream& stream_of(const FileInfo&) {
    return streams()[files_index];
}
const Stream& stream_of(const SslInfo&) {
    return streams()[ssl_index];
}
const Stream& stream_of(const Notice&) {
    return streams()[notice_index];
}
const Stream& stream_of(const Software&) {
    return streams()[software_index];
}

void read_values(const Info& rec, std::vector<Value>& values) {
    read_all(smtp_fields, rec, values);
}
void read_values(const Weird& rec, std::vector<Value>& values) {
    read_all(weird_fields, rec, values);
}

void read_values(const FileInfo& rec, std::vector<Value>& values) {
    read_all(file_fields, rec, values);
}
void read_values(const SslInfo& rec, std::vector<Value>& values) {
    read_all(ssl_fields, rec, values);
}
void read_values(const Notice& rec, std::vector<Value>& values) {
    read_all(notice_fields, rec, values);
}
void read_values(const Software& rec, std::vector<Value>& values) {
    read_all(software_fields, rec, values);
}

void write_values(std::span<const Value> values, const Marks& marks, Info& rec) {
    write_all(smtp_fields, values, marks, rec);
}
void write_values(std::span<const Value> values, const Marks& marks, Weird& rec) {
    write_all(weird_fields, values, marks, rec);
}
void write_values(std::span<const Value> values, const Marks& marks, FileInfo& rec) {
    write_all(file_fields, values, marks, rec);
}
void write_values(std::span<const Value> values, const Marks& marks, SslInfo& rec) {
    write_all(ssl_fields, values, marks, rec);
}
void write_values(std::span<const Value> values, const Marks& marks, Notice& rec) {
    write_all(notice_fields, values, marks, rec);
}
void write_values(std::span<const Value> values, const Marks& marks, Software& rec) {
    write_all(software_fields, values, marks, rec);
}

std::string summary(const Info& rec) {
    return describe(rec);
}

std::string summary(const Weird& rec) {
    std::string text = "weird " + rec.name;
    if (!rec.addl.empty()) text += ": " + rec.addl;
    if (!rec.source.empty()) text += " (" + rec.source + ")";
    return text;
}

std::string summary(const FileInfo& rec) {
    std::string text = "file " + rec.filename.value_or(rec.fuid) + ", " + rec.mime_type.value_or("type unknown") +
                       ", " + size_in_words(rec.seen_bytes);
    if (rec.missing_bytes > 0) text += " (" + size_in_words(rec.missing_bytes) + " more missing)";
    return text;
}

std::string summary(const SslInfo& rec) {
    std::string text = rec.version.value_or("TLS") + (rec.established ? " established" : " not established");
    if (rec.cipher) text += ", " + *rec.cipher;
    if (rec.server_name) text += ", server " + *rec.server_name;
    return text;
}

std::string summary(const Notice& rec) {
    return rec.note + ": " + rec.msg;
}

std::string summary(const Software& rec) {
    return rec.software_type + ": " + rec.unparsed_version;
}

}  // namespace smtpscope::format
