// SPDX-License-Identifier: BSD-3-Clause
#include "records/content.h"

#include <utility>

#include "base/ascii.h"
#include "mime/parameter.h"
#include "records/software.h"
#include "records/uid.h"
#include "smtpscope/text.h"

namespace smtpscope::records {

namespace {

constexpr std::string_view source = "SMTP";
constexpr std::size_t flush_size = 16384;  // bytes of a whole message that are passed on at once
// The default number of addresses, each of the maximum length of RFC 5321, 4.5.3.1.3, takes a quarter of this.
constexpr std::size_t max_set_bytes = std::size_t{1} << 20;

mime::Bodies bodies(const FileOptions& options) {
    return options.enabled ? mime::Bodies::decode : mime::Bodies::skip;
}

}  // namespace

Content::Content(Scope& scope, bool is_orig)
    : scope_(&scope),
      is_orig_(is_orig),
      message_(scope.context->options->mime, bodies(scope.context->options->files), *this) {
    const FileOptions& options = scope.context->options->files;
    if (options.enabled && options.rfc822_messages) whole_ = begin_file("message/rfc822", scope.now);
}

Content::~Content() = default;

void Content::line(std::string_view text, bool crlf) {
    const std::string_view end = crlf ? "\r\n" : "";
    begun_ = true;
    size_ += text.size() + end.size();
    add_to_whole(text);
    add_to_whole(end);
    message_.line(text, crlf);
}

void Content::lines(std::string_view text) {
    begun_ = true;
    size_ += text.size();
    add_to_whole(text);
    message_.lines(text);
}

void Content::gap(std::uint64_t length) {
    size_ += length;
    lost_at_ = scope_->now;
    message_.gap(length);
    if (!whole_) return;
    flush_whole();
    whole_->gap(length, scope_->now);
}

void Content::flush() {
    message_.flush();
    flush_whole();
}

void Content::add_to_whole(std::string_view text) {
    if (!whole_) return;
    raw_ += text;
    if (raw_.size() >= flush_size) flush_whole();
}

void Content::flush_whole() {
    if (raw_.empty()) return;
    whole_->data(raw_, scope_->now);
    raw_.clear();
}

void Content::done(bool sized) {
    message_.done();
    flush_whole();
    end_file(whole_);
    Draft* mail = scope_->message_draft();
    if (mail && sized && scope_->options().extra_fields.contains(ExtraField::message_bytes))
        mail->info.message_bytes = mail->info.message_bytes.value_or(0) + size_;
}

// ---- files

std::unique_ptr<files::File> Content::begin_file(std::string_view mime_type, Timestamp ts) {
    FileInfo info;
    info.ts = ts;
    info.uid = scope_->uid();
    info.fuid = make_fuid(info.uid, ++scope_->files);
    info.id = scope_->id;
    info.source = source;
    info.depth = scope_->state.mime_depth;
    if (!mime_type.empty()) info.mime_type = mime_type;
    info.is_orig = is_orig_;
    if (whole_) info.parent_fuid = whole_->fuid();
    if (Draft* mail = scope_->message_draft()) {
        info.filename = mail->filename;
        mail->info.fuids.push_back(info.fuid);
    }
    return std::make_unique<files::File>(*scope_->context->files, std::move(info));
}

void Content::end_file(std::unique_ptr<files::File>& file) {
    if (!file) return;
    FileInfo info = file->finish();
    const ContentSink::Handle content = file->take_content();
    file.reset();
    scope_->file(std::move(info), content);
}

void Content::mime_data(std::string_view bytes) {
    if (!body_) body_ = begin_file({}, scope_->now);
    body_->data(bytes, scope_->now);
}

void Content::mime_gap(std::uint64_t length) {
    if (!scope_->context->options->files.enabled) return;
    if (!body_) body_ = begin_file({}, lost_at_);
    body_->gap(length, lost_at_);
}

// ---- entities

void Content::mime_begin_entity() {
    end_file(body_);
    ++scope_->state.mime_depth;
    Draft* mail = scope_->message_draft();
    if (!mail) return;
    mail->filename.reset();
    ++mail->entities;
}

void Content::mime_end_entity() {
    end_file(body_);
    if (Draft* mail = scope_->message_draft()) mail->filename.reset();
}

void Content::mime_weird(std::string_view name, std::string_view addl) {
    // The reference reports what the decoder finds for the connection, not for an analyzer.
    scope_->weird(name, addl, name.starts_with("base64") ? std::string_view() : source);
}

// ---- header fields

void Content::mime_one_header(const mime::HeaderField& field) {
    Draft* const mail = scope_->message_draft();
    if (!mail) return;
    if (scope_->context->options->files.enabled) {
        std::optional<std::string> name;
        if (equals_ignoring_case(field.name, "content-disposition"))
            name = mime::filename_of_disposition(field.value);
        else if (equals_ignoring_case(field.name, "content-type"))
            name = mime::filename_of_content_type(field.value);
        if (name) mail->filename = std::move(name);
    }
    // Header fields of parts never overwrite those of the message.
    if (mail->entities <= 1) header_field(*mail, field);
}

void Content::header_field(Draft& mail, const mime::HeaderField& field) {
    Info& rec = mail.info;
    using Field = std::optional<std::string> Info::*;
    struct Simple {
        std::string_view name;
        Field field;
    };
    static constexpr Simple simple[] = {
        {"message-id", &Info::msg_id},   {"in-reply-to", &Info::in_reply_to}, {"subject", &Info::subject},
        {"from", &Info::from},           {"reply-to", &Info::reply_to},       {"date", &Info::date},
        {"x-mailer", &Info::user_agent}, {"user-agent", &Info::user_agent},   {"x-user-agent", &Info::user_agent},
    };
    const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
    for (const Simple& s : simple) {
        if (!is(s.name)) continue;
        rec.*(s.field) = std::string(field.value);
        if (is("user-agent") && matches_webmail(*rec.user_agent, scope_->options().webmail_user_agents))
            rec.is_webmail = true;
        return;
    }
    if (is("received")) {
        received(mail, field.value);
    } else if (is("to")) {
        addresses(rec.to, field.value, scope_->options().max_to_addresses, "smtp_too_many_to_addresses");
    } else if (is("cc")) {
        addresses(rec.cc, field.value, scope_->options().max_cc_addresses, "smtp_too_many_cc_addresses");
    } else if (is("x-originating-ip")) {
        const auto found = extract_ip_addresses(field.value, Wrapping::any);
        if (!found.empty()) rec.x_originating_ip = Address::parse(found[0]);
    }
}

void Content::addresses(std::optional<StringSet>& set, std::string_view value, std::size_t limit,
                        std::string_view limit_weird) {
    if (!insert_addresses(set, split_mime_email_addresses(value), limit)) scope_->weird(limit_weird, {}, {});
}

void Content::received(Draft& mail, std::string_view value) {
    Info& rec = mail.info;
    if (rec.first_received) rec.second_received = std::move(rec.first_received);
    rec.first_received = std::string(value);
    if (!mail.path_grows) return;
    // The second address is the one that the server saw, where the first is what the client claimed.
    const auto found = extract_ip_addresses(value, Wrapping::required);
    if (found.empty()) return;
    const AnalyzerOptions& options = scope_->options();
    const Address address = *Address::parse(found.size() > 1 ? found[1] : found[0]);
    if (!addr_matches_host(address, options.mail_path_capture, options.local_nets) &&
        !private_address_space().contains(address))
        mail.path_grows = false;
    if (rec.path.back() == address) return;
    if (options.max_path_length > 0 && rec.path.size() >= options.max_path_length)
        return scope_->weird("smtp_max_path_length_exceeded", {}, {});
    rec.path.push_back(address);
}

bool insert_addresses(std::optional<StringSet>& set, std::vector<std::string> addresses, std::size_t limit) {
    if (!set) set.emplace();
    for (std::string& address : addresses) {
        if (limit > 0 && (set->size() >= limit || set->bytes() >= max_set_bytes)) return false;
        set->insert(std::move(address));
    }
    return true;
}

}  // namespace smtpscope::records
