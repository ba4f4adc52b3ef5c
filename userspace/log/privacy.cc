// SPDX-License-Identifier: BSD-3-Clause
#include "log/privacy.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/descriptor.h"

namespace smtpscope::log {
namespace {

constexpr std::size_t least_key = 16, most_key = 4096, random_key_size = 32;

Rule hide(std::string stream, std::initializer_list<const char*> fields, Hiding how) {
    Rule rule;
    rule.stream = std::move(stream);
    for (const char* field : fields) rule.hide.push_back({field, how});
    return rule;
}

Rule hide_in(const char* notes, std::initializer_list<const char*> fields) {
    Rule rule = hide("notice", fields, Hiding::omit);
    rule.when.push_back({"note", {{Operator::glob, {notes}}}});
    return rule;
}

/// The refusal because of a blocklist may quote the mail, and the origin of a mail comes from its header.
void add_notices(std::vector<Rule>& rules) {
    rules.push_back(hide_in("SMTP::Blocklist_*", {"sub"}));
    rules.push_back(hide_in("SMTP::Suspicious_Origination", {"msg"}));
}

std::vector<Rule> no_content() {
    std::vector<Rule> rules;
    // `path` beyond the connection's own ends comes from the Received fields. A server's reply may quote the message,
    // as Exchange does with its Message-ID.
    rules.push_back(
        hide("smtp",
             {"date", "from", "to", "cc", "reply_to", "msg_id", "in_reply_to", "subject", "x_originating_ip",
              "first_received", "second_received", "path", "user_agent", "subject_decoded", "from_decoded"},
             Hiding::omit));
    rules.push_back(hide("smtp", {"last_reply", "rejected_rcptto"}, Hiding::code));
    rules.push_back(hide("files", {"filename"}, Hiding::omit));
    add_notices(rules);
    // The names of mail programs come from the header.
    Rule software;
    software.stream = "software";
    software.action = Action::drop;
    rules.push_back(software);
    return rules;
}

std::vector<Rule> pseudonymous() {
    std::vector<Rule> rules;
    rules.push_back(
        hide("smtp",
             {"mailfrom", "rcptto", "from", "to", "cc", "reply_to", "msg_id", "in_reply_to", "subject",
              "x_originating_ip", "path", "subject_decoded", "from_decoded", "rejected_rcptto", "auth_user"},
             Hiding::sha256));
    // Each of these texts occurs once: their hashes could not be used to join records.
    rules.push_back(hide("smtp", {"first_received", "second_received"}, Hiding::omit));
    rules.push_back(hide("smtp", {"last_reply"}, Hiding::code));
    rules.push_back(hide("smtp", {"helo", "user_agent"}, Hiding::addresses));
    rules.push_back(hide("files", {"filename"}, Hiding::sha256));
    rules.push_back(hide("software", {"host"}, Hiding::sha256));  // it may come from X-Originating-IP
    rules.push_back(hide("software", {"name", "version.addl", "unparsed_version"}, Hiding::addresses));
    add_notices(rules);
    return rules;
}

bool uses_key(const Rule& rule) {
    return std::any_of(rule.hide.begin(), rule.hide.end(),
                       [](const Hide& h) { return h.how == Hiding::sha256 || h.how == Hiding::addresses; });
}

std::string read_key(const std::string& path) {
    const auto refuse = [&path](const std::string& why) { throw std::runtime_error(path + ": " + why + "."); };
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0)
        refuse(std::string(std::strerror(errno)) + "; make one with: (umask 077; openssl rand -hex 32 >" + path + ")");
    if (!S_ISREG(status.st_mode)) refuse("not a regular file; name one");
    if ((status.st_mode & 037) != 0)
        refuse("others can read or change it; make it 0600, or 0640 where the service is in its group");
    std::string key(most_key + 2, '\0');
    const ssize_t size = ::read(file.get(), key.data(), key.size());
    if (size < 0) refuse(std::strerror(errno));
    key.resize(static_cast<std::size_t>(size));
    if (key.ends_with('\n')) key.pop_back();
    if (key.size() < least_key || key.size() > most_key)
        refuse("a key has from 16 to 4096 bytes; make one with: openssl rand -hex 32");
    return key;
}

std::string random_key() {
    std::string key(random_key_size, '\0');
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        throw std::runtime_error(std::string("no random key: ") + std::strerror(errno) +
                                 "; name a log.privacy.key_file.");
    return key;
}

}  // namespace

const std::vector<Rule>& rules_of(Preset preset) {
    static const std::vector<Rule> none, without_content = no_content(), with_pseudonyms = pseudonymous();
    switch (preset) {
        case Preset::plain:
            break;
        case Preset::no_content:
            return without_content;
        case Preset::pseudonymous:
            return with_pseudonyms;
    }
    return none;
}

bool has_passing_key(const Options& options) {
    const auto& preset = rules_of(options.privacy.preset);
    return options.privacy.key_file.empty() && (std::any_of(preset.begin(), preset.end(), uses_key) ||
                                                std::any_of(options.policy.begin(), options.policy.end(), uses_key));
}

std::string key_of(const Privacy& privacy) {
    if (!privacy.key_file.empty()) return read_key(privacy.key_file);
    static const std::string of_process = random_key();
    return of_process;
}

}  // namespace smtpscope::log
