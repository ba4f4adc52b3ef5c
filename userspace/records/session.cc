// SPDX-License-Identifier: BSD-3-Clause
#include "records/session.h"

#include <algorithm>
#include <utility>

#include "smtpscope/text.h"

namespace smtpscope::records {

using smtp::Tag;
using smtp::Verb;

namespace {

constexpr std::string_view smtp_source = "SMTP";
// As many addresses as the default limit allows, each as long as RFC 5321, 4.5.3.1.3 allows, are a quarter of this.
constexpr std::size_t max_set_bytes = std::size_t{1} << 20;
constexpr std::string_view orcpt_prefix = "ORCPT=rfc822";

/// What follows the keyword (`FROM:`, `TO:`) is what matters; without it the command is another one's.
bool has_keyword(std::string_view arg, std::string_view keyword) {
    return arg.size() >= keyword.size() && mime::equals_ignoring_case(arg.substr(0, keyword.size()), keyword);
}

/// The reference takes the tag of an original recipient (RFC 3461, 4.2) out of what it found.
std::string without_orcpt(std::string address) {
    for (auto at = address.find(orcpt_prefix); at != address.npos; at = address.find(orcpt_prefix, at)) {
        const std::size_t end = at + orcpt_prefix.size();
        address.erase(at, orcpt_prefix.size() + (end < address.size() && address[end] == ';' ? 1 : 0));
    }
    return address;
}

}  // namespace

Session::Session(const Context& context, const ConnId& id, std::string uid)
    : context_(&context), id_(id), uid_(std::move(uid)) {}

Session::~Session() = default;

// ---- transactions

Session::Transaction& Session::open_transaction() {
    if (!server_seen_) write_all();  // one side alone was captured: nobody will answer
    // Messages that were sent and wait for their reply count too, if there is a server's side to see it.
    const auto waiting =
        std::count_if(transactions_.begin(), transactions_.end(), [](const auto& t) { return t->last_sent; });
    const std::uint64_t sent = server_seen_ ? static_cast<std::uint64_t>(waiting) : 0;
    auto t = std::make_unique<Transaction>();
    t->tag = ++last_tag_;
    Info& rec = t->info;
    rec.ts = next_begin_ == Timestamp{} ? now_ : next_begin_;
    next_begin_ = {};
    rec.uid = uid_;
    rec.id = id_;
    rec.trans_depth = state_.messages_transferred + sent + 1;
    rec.helo = state_.helo;
    rec.last_reply = std::exchange(early_reply_, std::nullopt);
    rec.path = {id_.resp_h, id_.orig_h};
    transactions_.push_back(std::move(t));
    return *transactions_.back();
}

/// The one that commands go to; nullptr between transactions.
Session::Transaction* Session::newest() {
    return transactions_.empty() || transactions_.back()->last_sent ? nullptr : transactions_.back().get();
}

Session::Transaction& Session::current() {
    Transaction* t = newest();
    return t ? *t : open_transaction();
}

/// A transaction counts from the first sign of life after the one before, not from its MAIL.
void Session::note_activity() {
    if (next_begin_ == Timestamp{} && !newest()) next_begin_ = now_;
}

Session::Transaction* Session::find(Tag tag) {
    const auto it =
        std::find_if(transactions_.begin(), transactions_.end(), [tag](const auto& t) { return t->tag == tag; });
    return it == transactions_.end() ? nullptr : it->get();
}

/// The record that the message being received belongs to.
Info* Session::message_info() {
    Transaction* t = find(message_tag_);
    return t ? &t->info : nullptr;
}

void Session::remove(const Transaction& t) {
    std::erase_if(transactions_, [&](const auto& x) { return x.get() == &t; });
}

void Session::write(Transaction& t) {
    if (!t.info.has_client_activity) return;
    const Hooks& hooks = *context_->hooks;
    if (hooks.log_policy && !hooks.log_policy(t.info)) {
        ++context_->stats->vetoed_records;
        return;
    }
    ++context_->stats->smtp_records;
    context_->sink->smtp(t.info);
    if (hooks.log_smtp) hooks.log_smtp(t.info);
}

/// The final reply has come, or never will.
void Session::complete(Transaction& t) {
    ++state_.messages_transferred;
    write(t);
    remove(t);
    if (transactions_.empty()) next_begin_ = now_;
}

void Session::finish() {
    if (context_->hooks->finalize_smtp)
        context_->hooks->finalize_smtp(id_, state_, transactions_.empty() ? nullptr : &transactions_.back()->info);
    write_all();
}

void Session::write_all() {
    for (const auto& t : transactions_) write(*t);
    transactions_.clear();
}

void Session::weird(std::string_view name, std::string_view addl, std::string_view source) {
    if (std::find(weirds_.begin(), weirds_.end(), name) != weirds_.end()) return;
    weirds_.push_back(name);
    ++context_->stats->weirds;
    context_->sink->weird({now_, uid_, id_, std::string(name), std::string(addl), std::string(source)});
}

void Session::smtp_weird(std::string_view name, std::string_view addl, std::string_view source) {
    weird(name, addl, source);
}

// ---- commands

Tag Session::smtp_request(const smtp::Request& request) {
    note_activity();
    Tag tag = 0;
    switch (request.verb) {
        case Verb::ehlo:
        case Verb::helo:
            state_.helo = std::string(request.arg);
            if (Transaction* t = newest()) t->info.helo = state_.helo;
            break;
        case Verb::mail:
            if (has_keyword(request.arg, "FROM:")) mail(request.arg);
            break;
        case Verb::rcpt:
            if (has_keyword(request.arg, "TO:")) rcpt(request.arg);
            break;
        case Verb::data:
        case Verb::bdat:
        case Verb::end_of_data: {
            Transaction& t = current();
            tag = t.tag;
            content_command(t, request);
            break;
        }
        default:
            break;
    }
    if (outcome_ != Outcome::open) return smtp::stop_analysis;
    const Transaction* t = newest();
    return tag == 0 && t ? t->tag : tag;
}

void Session::mail(std::string_view arg) {
    Transaction* t = &current();
    if (t->info.has_client_activity) {
        // Should the server refuse this MAIL, the transaction before it stands (RFC 5321, 4.1.4).
        t->superseded = true;
        next_begin_ = now_;
        t = &open_transaction();
    }
    if (std::string from = extract_first_email_addr(arg); !from.empty()) t->info.mailfrom = std::move(from);
    t->info.has_client_activity = true;
    state_.trans_mail_from_seen = true;
    state_.trans_rcpt_to_seen = false;
}

void Session::rcpt(std::string_view arg) {
    Info& rec = current().info;
    if (!rec.rcptto) rec.rcptto.emplace();
    std::vector<std::string> found = extract_email_addrs(arg);
    for (std::string& address : found) address = without_orcpt(std::move(address));
    addresses(rec.rcptto, std::move(found), options().max_rcptto_addresses, "smtp_too_many_rcptto_addresses");
    rec.has_client_activity = true;
    state_.trans_rcpt_to_seen = true;
    if (options().mail_transaction_validation && !state_.trans_mail_from_seen)
        invalid_transaction("rcpt to missing mail from");
}

/// DATA, BDAT and the end of data.
void Session::content_command(Transaction& t, const smtp::Request& request) {
    if (request.verb != Verb::end_of_data && options().mail_transaction_validation && !state_.trans_rcpt_to_seen)
        invalid_transaction("data missing rcpt to");
    if (!request.final) return;
    state_.trans_mail_from_seen = state_.trans_rcpt_to_seen = false;
    t.last_sent = true;
    t.content_ended = request.verb == Verb::end_of_data;
}

void Session::invalid_transaction(std::string_view what) {
    weird("smtp_mail_transaction_invalid", what, smtp_source);
    const std::uint64_t limit = options().max_invalid_mail_transactions;
    if (++state_.invalid_transactions <= limit || limit == 0) return;
    weird("smtp_excessive_invalid_mail_transactions",
          std::to_string(state_.invalid_transactions) + " > " + std::to_string(limit), smtp_source);
    outcome_ = Outcome::too_many_invalid_transactions;
}

// ---- replies

void Session::smtp_reply(const smtp::Reply& reply) {
    server_seen_ = true;
    note_activity();
    // The reference counts every line of this reply as a message, and trans_depth is its count.
    if (reply.verb == Verb::end_of_data && reply.more) ++state_.messages_transferred;
    Transaction* t = reply.tag != 0 ? find(reply.tag) : nullptr;
    if (!t) t = newest();
    // Kept whole only at its last line, but a reply that is cut off says something too.
    std::string& text = (t ? t->info.last_reply : early_reply_).emplace(std::to_string(reply.code));
    text += ' ';
    text += reply.text;
    if (!reply.more && t) answered(*t, reply);
}

void Session::answered(Transaction& t, const smtp::Reply& reply) {
    const bool accepted = reply.code < 300;
    switch (reply.verb) {
        case Verb::mail:
            mail_answered(t, reply.code);
            break;
        case Verb::data:
            content_answered(t, reply.code);
            break;
        case Verb::rset:
        case Verb::ehlo:
        case Verb::helo:
            if (accepted) t.standing = false;
            break;
        default:
            if (reply.verb == Verb::bdat) content_answered(t, reply.code);
            if (!reply.final || reply.tag == 0) break;
            t.answered = true;
            if (t.content_ended || message_tag_ != t.tag) complete(t);
            break;
    }
}

void Session::smtp_reply_lost(Tag tag, Verb verb, bool final) {
    Transaction* t = find(tag);
    if (!t) return;
    if (verb == Verb::mail)
        mail_answered(*t, 0);
    else if (final)
        complete(*t);
}

/// `code` 0: not known.
void Session::mail_answered(Transaction& t, std::uint16_t code) {
    const auto it =
        std::find_if(transactions_.begin(), transactions_.end(), [](const auto& x) { return x->superseded; });
    Transaction* before = it == transactions_.end() ? nullptr : it->get();
    if (before == &t) before = nullptr;
    const bool stands = code >= 400 && before && before->standing;
    t.standing = stands || (code != 0 && code < 300);
    if (stands && !before->content_refused) return absorb(t, *before);
    if (!before) return;
    // After its content was refused the client began once more: two attempts, with the sender that the server has.
    if (stands) t.info.mailfrom = before->info.mailfrom;
    write(*before);
    remove(*before);
}

void Session::content_answered(Transaction& t, std::uint16_t code) {
    if (code < 300)
        t.content_accepted = true;
    else if (code >= 400 && !t.content_accepted)
        t.content_refused = true;
}

/// A refused MAIL has no effect: what was commanded since belongs to the transaction that stood before.
void Session::absorb(Transaction& refused, Transaction& standing) {
    Info& rec = refused.info;
    Info& old = standing.info;
    rec.ts = old.ts;
    rec.mailfrom = std::move(old.mailfrom);
    rec.trans_depth = old.trans_depth;
    if (old.rcptto) {
        if (rec.rcptto)
            for (const std::string& address : *rec.rcptto) old.rcptto->insert(address);
        rec.rcptto = std::move(old.rcptto);
        state_.trans_rcpt_to_seen = true;
    }
    remove(standing);
}

void Session::smtp_commands_lost() {
    // Nobody is accused of leaving out what was lost.
    state_.trans_mail_from_seen = state_.trans_rcpt_to_seen = true;
    if (transactions_.empty()) return;
    Transaction& t = *transactions_.back();
    if (!t.info.has_client_activity || t.last_sent) return;
    write(t);
    remove(t);
    next_begin_ = now_;
}

void Session::smtp_starttls() {
    Info& rec = current().info;
    rec.tls = true;
    rec.has_client_activity = true;
    outcome_ = Outcome::tls;
}

// ---- content

void Session::smtp_begin_data() {
    // The command before it opened the transaction; only where that was lost there is none.
    if (transactions_.empty()) open_transaction();
    Transaction& t = *transactions_.back();
    message_tag_ = t.tag;
    // A message that was refused leaves nothing behind; what follows one that was accepted is more of it.
    if (!t.content_seen || t.content_refused) {
        t.info.entity_count = 0;
        t.info.process_smtp_headers = true;
    }
    t.content_seen = t.content_refused = message_seen_ = false;
    message_ = std::make_unique<mime::Message>(context_->options->mime, *this);
}

void Session::smtp_data(std::string_view line, bool crlf) {
    if (!message_seen_)
        if (Transaction* t = find(message_tag_)) t->content_seen = true;
    message_seen_ = true;
    message_->line(line, crlf);
}

void Session::smtp_data_gap(std::uint64_t) {
    message_->gap();
}

void Session::smtp_end_data() {
    message_->done();
    message_.reset();
    Transaction* t = find(message_tag_);
    message_tag_ = 0;
    if (!t || !t->last_sent) return;
    t->content_ended = true;
    if (t->answered) complete(*t);
}

void Session::mime_begin_entity() {
    ++state_.mime_depth;
    Info* rec = message_info();
    if (!rec) return;
    rec->entity.emplace();
    // Header fields of parts never overwrite those of the message.
    if (++rec->entity_count > 1) rec->process_smtp_headers = false;
}

void Session::mime_end_entity() {
    if (Info* rec = message_info()) rec->entity.reset();
}

void Session::mime_limit(std::string_view name, std::size_t value) {
    weird(name, std::to_string(value), smtp_source);
}

void Session::addresses(std::optional<StringSet>& set, std::vector<std::string> found, std::size_t limit,
                        std::string_view limit_weird) {
    if (!set) set.emplace();
    for (std::string& address : found) {
        if (limit > 0 && (set->size() >= limit || set->bytes() >= max_set_bytes)) return weird(limit_weird, {}, {});
        set->insert(std::move(address));
    }
}

void Session::mime_one_header(const mime::HeaderField& field) {
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
    Info* const found_rec = message_info();
    if (!found_rec || !found_rec->process_smtp_headers) return;
    Info& rec = *found_rec;
    const auto is = [&](std::string_view name) { return mime::equals_ignoring_case(field.name, name); };
    for (const Simple& s : simple)
        if (is(s.name)) {
            rec.*(s.field) = std::string(field.value);
            return;
        }
    if (is("received")) {
        received(rec, field.value);
    } else if (is("to")) {
        addresses(rec.to, split_mime_email_addresses(field.value), options().max_to_addresses,
                  "smtp_too_many_to_addresses");
    } else if (is("cc")) {
        addresses(rec.cc, split_mime_email_addresses(field.value), options().max_cc_addresses,
                  "smtp_too_many_cc_addresses");
    } else if (is("x-originating-ip")) {
        const auto found = extract_ip_addresses(field.value, Wrapping::any);
        if (!found.empty()) rec.x_originating_ip = Address::parse(found[0]);
    }
}

void Session::received(Info& rec, std::string_view value) {
    if (rec.first_received) rec.second_received = std::move(rec.first_received);
    rec.first_received = std::string(value);
    if (!rec.process_received_from) return;
    // The second address is the one that the server saw, where the first is what the client claimed.
    const auto found = extract_ip_addresses(value, Wrapping::required);
    if (found.empty()) return;
    const Address address = *Address::parse(found.size() > 1 ? found[1] : found[0]);
    if (!addr_matches_host(address, options().mail_path_capture, options().local_nets) &&
        !private_address_space().contains(address))
        rec.process_received_from = false;
    if (rec.path.back() == address) return;
    if (options().max_path_length > 0 && rec.path.size() >= options().max_path_length)
        return weird("smtp_max_path_length_exceeded", {}, {});
    rec.path.push_back(address);
}

}  // namespace smtpscope::records
