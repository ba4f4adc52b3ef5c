// SPDX-License-Identifier: BSD-3-Clause
#include "records/session.h"

#include <algorithm>
#include <utility>

#include "mime/encoded_word.h"
#include "records/community_id.h"
#include "records/notices.h"
#include "records/reply.h"
#include "records/software.h"
#include "smtpscope/text.h"

namespace smtpscope::records {

using smtp::Tag;
using smtp::Verb;

namespace {

constexpr Timestamp lost = Timestamp::min();     // in place of a time that nobody knows
constexpr std::size_t max_address_length = 320;  // bytes: RFC 3696's erratum allows 254
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

/// Where mail is to go or comes from by the argument of RCPT or MAIL, which begins with the keyword. `<postmaster>`
/// (RFC 5321, 4.1.1.3) and local users have no domain, which the reference asks of an address; `<>` is empty.
std::string_view path_of(std::string_view arg, std::string_view keyword) {
    arg.remove_prefix(std::min(arg.find_first_not_of(' ', keyword.size()), arg.size()));
    return arg.starts_with('<') ? arg.substr(1, arg.find('>') - 1) : arg.substr(0, arg.find(' '));
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        all.emplace_back(word);
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return all;
}

/// Seen from the local networks; nullptr if neither end is of them.
const char* direction_of(const ConnId& id, const SubnetSet& local_nets) {
    const bool from_us = local_nets.contains(id.orig_h), to_us = local_nets.contains(id.resp_h);
    if (from_us) return to_us ? "local" : "outbound";
    return to_us ? "inbound" : nullptr;
}

}  // namespace

Session::Session(const Context& shared, const ConnId& conn, Timestamp begin) : Scope(shared, conn, begin) {}

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
    t->commands_lost = std::exchange(commands_lost_, false);
    t->begun_before = std::exchange(joined_late_, false);
    Info& rec = t->info;
    rec.ts = next_begin_ == Timestamp{} ? now : next_begin_;
    next_begin_ = {};
    rec.uid = uid();
    rec.id = id;
    rec.trans_depth = state.messages_transferred + sent + 1;
    rec.helo = state.helo;
    if (!early_reply_.empty()) rec.last_reply = std::exchange(early_reply_, {});
    rec.path = {id.resp_h, id.orig_h};
    t->first_command = std::exchange(first_command_, {});
    if (early_missed_ > 0 && wants(ExtraField::missed_bytes)) rec.missed_bytes = early_missed_;
    t->bytes_missed = early_missed_ > 0;
    early_missed_ = 0;
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
    if (next_begin_ == Timestamp{} && !newest()) next_begin_ = now;
}

/// The first one after that counts for the duration; `lost`: it may have been among what was lost.
void Session::note_command(Timestamp when) {
    if (first_command_ == Timestamp{} && !newest()) first_command_ = when;
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
    if (!t.info.has_client_activity) return settle(t, Fate::unknown);
    complete_fields(t);
    const Hooks& hooks = *context->hooks;
    if (hooks.log_policy && !hooks.log_policy(t.info)) {
        ++context->stats->vetoed_records;
        return settle(t, Fate::kept);
    }
    ++context->stats->smtp_records;
    const DropPolicy* const policy = context->options->policy.get();
    const bool dropped = policy && policy->drops(t.info);
    settle(t, dropped ? Fate::dropped : Fate::kept);
    if (dropped) return;
    context->sink->smtp(t.info);
    context->waiting->speak_of(nullptr);
    context->notices->record(t.info);
    if (auto found = detect(t.info, options(), context->options->software);
        found && context->software->is_news(*found)) {
        parse_version(*found);
        context->sink->software(*found);
    }
    if (hooks.log_smtp) hooks.log_smtp(t.info);
}

/// The fields that follow from others, or from the session.
void Session::complete_fields(Transaction& t) {
    Info& rec = t.info;
    if (wants(ExtraField::subject_decoded) && rec.subject)
        rec.subject_decoded = mime::decode_encoded_words(*rec.subject);
    if (wants(ExtraField::from_decoded) && rec.from) rec.from_decoded = mime::decode_encoded_words(*rec.from);
    if (t.fetched) rec.message_bytes.reset();
    judge(t);
    if (wants(ExtraField::direction)) {
        if (const char* direction = direction_of(id, options().local_nets)) rec.direction = direction;
    }
    // Of what is encrypted or no longer followed nothing more would have been learned.
    if (wants(ExtraField::incomplete)) {
        if (const char* why = name_of(ending_); why && disposition_ == Disposition::follow && !t.aborted)
            rec.incomplete = why;
        else if (t.begun_before && !rec.tls)
            rec.incomplete = "beginning";
    }
    circumstances_.fill(rec, options().extra_fields, *context->hooks, *context->owners, *context->stats);
    if (wants(ExtraField::community_id)) rec.community_id = community_id(id);
    if (extensions_ && !offering_ && wants(ExtraField::extensions)) rec.extensions = words(*extensions_);
    if (facts_) complete_facts(rec);
}

void Session::complete_facts(Info& rec) {
    const Facts& f = *facts_;
    if (wants(ExtraField::auth_mechanism) && !f.mechanism.empty()) rec.auth_mechanism = f.mechanism;
    if (wants(ExtraField::auth_user) && !f.user.empty()) rec.auth_user = f.user;
    if (wants(ExtraField::auth_success)) rec.auth_success = f.auth_success;
    if (wants(ExtraField::tls_version) && rec.tls) rec.tls_version = f.tls_version;
}

/// The final reply has come, or never will.
void Session::complete(Transaction& t) {
    ++state.messages_transferred;
    write(t);
    remove(t);
    if (transactions_.empty()) next_begin_ = now;
}

void Session::finish() {
    if (ending_ == Ending::closed && disposition_ == Disposition::follow) note_hanging_up();
    if (context->hooks->finalize_smtp)
        context->hooks->finalize_smtp(id, state, transactions_.empty() ? nullptr : &transactions_.back()->info);
    write_all();
    settle_session();
}

void Session::write_all() {
    for (const auto& t : transactions_) write(*t);
    transactions_.clear();
}

// ---- what is known beside the events

void Session::sent_by(Side from, const Sender& sender) {
    circumstances_.sent_by(from, sender, *context->hooks, *context->owners);
}

/// A transaction whose content was sent loses nothing of the client's any more; with none open, the loss is of the next
/// one's beginning.
void Session::missed(Side from, std::uint64_t length) {
    joined_late_ |= length == 0 && is_from_client(from) && transactions_.empty();
    bool counted = false;
    for (const auto& t : transactions_) {
        if (is_from_client(from) && t->last_sent && t->content_ended) continue;
        counted = t->bytes_missed = true;
        if (is_from_client(from)) t->client_missed = length;
        if (length > 0 && wants(ExtraField::missed_bytes))
            t->info.missed_bytes = t->info.missed_bytes.value_or(0) + length;
    }
    if (counted) return;
    early_missed_ += length;
    if (!is_from_client(from)) return;
    note_command(lost);
    // Another AUTH may be among it: after one that has failed, and before MAIL (RFC 4954, 4).
    if (facts_ && facts_->auth_success == false) facts_->forget_auth();
}

void Session::ignored(std::uint64_t bytes) {
    if (transactions_.empty() || bytes == 0) return;
    Transaction& t = *transactions_.back();
    t.ignored = true;
    if (wants(ExtraField::ignored_bytes)) t.info.ignored_bytes = t.info.ignored_bytes.value_or(0) + bytes;
}

/// What was lost of the newest transaction may have been its end, and the beginning of the next one.
void Session::lost_its_end(const Transaction& t) {
    if (&t != transactions_.back().get()) return;
    early_missed_ = t.client_missed;
    if (t.client_missed > 0) note_command(lost);
}

void Session::smtp_weird(std::string_view name, std::string_view addl, std::string_view source) {
    weird(name, addl, source);
}

// ---- commands

smtp::Handler::Answer Session::smtp_request(const smtp::Request& request) {
    note_activity();
    note_command(now);
    Tag tag = 0;
    switch (request.verb) {
        case Verb::ehlo:
        case Verb::helo:
        case Verb::lhlo:
            lmtp_ |= request.verb == Verb::lhlo;
            extensions_.reset();
            offering_ = false;
            state.helo = std::string(request.arg);
            if (Transaction* t = newest()) t->info.helo = state.helo;
            break;
        case Verb::mail:
            if (has_keyword(request.arg, "FROM:")) mail(request.arg);
            break;
        case Verb::rcpt:
            if (has_keyword(request.arg, "TO:"))
                rcpt(request.arg);
            else if (Transaction* t = newest())
                t->recipients.emplace_back();  // it is answered like the others
            break;
        case Verb::auth:
        case Verb::auth_answer:
            auth(request);
            break;
        case Verb::data:
        case Verb::bdat:
        case Verb::burl:
        case Verb::end_of_data: {
            Transaction& t = current();
            tag = t.tag;
            content_command(t, request);
            break;
        }
        default:
            break;
    }
    const Transaction* t = newest();
    return {tag == 0 && t ? t->tag : tag, disposition_};
}

void Session::mail(std::string_view arg) {
    Transaction* t = &current();
    if (t->info.has_client_activity) {
        // Should the server refuse this MAIL, the transaction before it stands (RFC 5321, 4.1.4).
        t->superseded = true;
        next_begin_ = first_command_ = now;
        t = &open_transaction();
    }
    if (std::string from = extract_first_email_addr(arg); !from.empty()) t->info.mailfrom = std::move(from);
    t->info.null_sender = arg.find("<>") != arg.npos && path_of(arg, "FROM:").empty();
    t->aborted = false;
    t->begun_before &= t->info.has_client_activity;  // its MAIL is its beginning
    t->info.has_client_activity = true;
    state.trans_mail_from_seen = true;
    state.trans_rcpt_to_seen = false;
}

void Session::rcpt(std::string_view arg) {
    Transaction& t = current();
    t.aborted = false;
    Info& rec = t.info;
    std::vector<std::string> found = extract_email_addrs(arg);
    for (std::string& address : found) address = without_orcpt(std::move(address));
    const std::string_view to = path_of(arg, "TO:");
    const bool with_domain = !found.empty() && to.find('@') != to.npos;
    t.recipients.emplace_back((with_domain ? std::string_view(found.front()) : to).substr(0, max_address_length));
    if (!insert_addresses(rec.rcptto, std::move(found), options().max_rcptto_addresses))
        weird("smtp_too_many_rcptto_addresses", {}, {});
    ++rec.recipients;
    rec.has_client_activity = true;
    state.trans_rcpt_to_seen = true;
    if (options().mail_transaction_validation && !state.trans_mail_from_seen)
        invalid_transaction("rcpt to missing mail from");
}

void Session::auth(const smtp::Request& request) {
    Facts& f = facts();
    if (request.verb == Verb::auth) {
        f.forget_auth();
        f.auth_begun = true;
        f.mechanism = request.arg;
    }
    if (f.auth_begun && !request.user.empty()) f.user = std::string(request.user);
}

void Session::Facts::forget_auth() {
    auth_begun = false;
    mechanism = {};
    user.clear();
    auth_success.reset();
}

Session::Facts& Session::facts() {
    if (!facts_) facts_ = std::make_unique<Facts>();
    return *facts_;
}

/// DATA, BDAT, BURL and the end of data.
void Session::content_command(Transaction& t, const smtp::Request& request) {
    if (request.verb != Verb::end_of_data && options().mail_transaction_validation && !state.trans_rcpt_to_seen)
        invalid_transaction("data missing rcpt to");
    t.fetched |= request.verb == Verb::burl;
    if (!request.final) return;
    state.trans_mail_from_seen = state.trans_rcpt_to_seen = false;
    t.last_sent = true;
    t.content_ended = request.verb == Verb::end_of_data || request.verb == Verb::burl;
}

void Session::invalid_transaction(std::string_view what) {
    weird("smtp_mail_transaction_invalid", what, smtp_source);
    const std::uint64_t limit = options().max_invalid_mail_transactions;
    if (++state.invalid_transactions <= limit || limit == 0) return;
    weird("smtp_excessive_invalid_mail_transactions",
          std::to_string(state.invalid_transactions) + " > " + std::to_string(limit), smtp_source);
    disposition_ = Disposition::invalid_transactions;
}

// ---- losses, TLS

void Session::smtp_commands_lost() {
    // Nobody is accused of leaving out what was lost.
    state.trans_mail_from_seen = state.trans_rcpt_to_seen = commands_lost_ = true;
    if (Transaction* const t = newest(); t && t->info.has_client_activity) {
        lost_its_end(*t);
        write(*t);
        remove(*t);
        next_begin_ = now;
    }
    note_command(lost);
}

void Session::smtp_data_command_lost() {
    current().commands_lost = true;
}

void Session::tls_handshake(const SslInfo& ssl) {
    facts().tls_version = ssl.version;
    tell(ssl);
}

void Session::smtp_starttls() {
    Info& rec = current().info;
    rec.tls = true;
    rec.has_client_activity = true;
    disposition_ = Disposition::tls;
}

void Session::smtp_smuggled(std::string_view how) {
    notices().smuggled(id, uid(), now, how);
}

// ---- content

void Session::smtp_begin_data() {
    Transaction& t = *transactions_.back();
    message_tag_ = message_mail_ = t.tag;
    message_fate_.reset();
    // A message that was refused leaves nothing behind; what follows one that was accepted is more of it.
    if (!t.content_seen || t.content_refused) {
        t.info.entity_count = 0;
        t.info.process_smtp_headers = true;
        t.info.message_bytes.reset();
    }
    t.content_seen = t.content_refused = false;
    content_ = std::make_unique<Content>(static_cast<Scope&>(*this), from_originator_);
}

/// The message of which the next content is.
Content& Session::content() {
    if (!content_->begun())
        if (Transaction* t = find(message_tag_)) {
            t->content_seen = true;
            // Of a message that was seen there is a record, whatever is known of its envelope.
            t->info.has_client_activity |= t->commands_lost;
        }
    return *content_;
}

void Session::smtp_data(std::string_view line, bool crlf) {
    content().line(line, crlf);
}

void Session::smtp_data_lines(std::string_view lines) {
    content().lines(lines);
}

void Session::smtp_data_gap(std::uint64_t length) {
    content_->gap(length);
    // A chunk tells its size: what is lost beyond the last one is of commands.
    const Transaction* t = find(message_tag_);
    if (!t || !t->last_sent || t->client_missed <= length) return;
    early_missed_ += t->client_missed - length;
    note_command(lost);
}

void Session::smtp_end_data(bool sized) {
    Transaction* t = find(message_tag_);
    // What a verdict left out is counted up to the reply to the message.
    content_->done(sized || (t && t->ignored));
    content_.reset();
    message_tag_ = 0;
    if (!t || !t->last_sent) return;
    t->content_ended = true;
    if (t->answered) complete(*t);
}

void Session::flush() {
    if (content_) content_->flush();
}

}  // namespace smtpscope::records
