// SPDX-License-Identifier: BSD-3-Clause
#include "records/blocklists.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"

namespace smtpscope::records {

namespace {

constexpr std::size_t head = 4;  // bytes of a text that are hashed

/// What servers say about blocklists, in lower case.
constexpr std::string_view known[] = {
    // The reference's.
    "spamhaus.org/",                   // Spamhaus; its explanations are at check.spamhaus.org
    "sophos.com/security/",            // Sophos
    "spamcop.net/bl",                  // SpamCop
    "cbl.abuseat.org/",                // Composite Blocking List, part of Spamhaus now
    "sorbs.net/",                      // SORBS, closed in 2024
    "bsn.borderware.com/",             // BorderWare, later WatchGuard
    "mail-abuse.com/",                 // MAPS, later Trend Micro
    "b.barracudacentral.com/",         // Barracuda
    "psbl.surriel.com/",               // Passive Spam Block List, psbl.org now
    "antispam.imp.ch/",                // ImproWare
    "rbl.knology.net/",                // Knology
    "intercept.datapacket.net/",       // Intercept
    "uceprotect.net/",                 // UCEPROTECT
    "hostkarma.junkemailfilter.com/",  // Junk Email Filter

    // The default words of mail servers for any DNS blocklist.
    "blocked using ",       // Postfix, reject_rbl_client; Exchange Online with Spamhaus
    "in a black list at ",  // Exim's example configuration
    "in a blacklist at ",   // the same, as many write it
    "in a blocklist at ",
    "is in an rbl",  // cPanel: JunkMail rejected - HOST is in an RBL on ZONE
    "dnsbl.",        // dnsbl.NAME, NAME.dnsbl.DOMAIN
    "dnsbl:",        // AT&T: DNSBL:RBL 521< ADDRESS >_is_blocked
    "found in dnsbl",

    // Lists by the names of their zones and their pages for those who were rejected.
    "zen.spamhaus.org",  // Spamhaus
    "dbl.spamhaus.org",
    "sbl.spamhaus.org",
    "xbl.spamhaus.org",
    ".dq.spamhaus.net",
    "spamhaus.com/",
    "using spamhaus",
    "in spamhaus",           // "is listed in Spamhaus", "in Spamhaus's list" (Yahoo BL21)
    "on spamhaus",           // Yahoo BL23
    "bl.spamcop.net",        // SpamCop
    "barracudacentral.org",  // Barracuda: b.barracudacentral.org, barracudacentral.org/lookups
    "barracudanetworks.com/reputation",
    "barracuda reputation",
    "mail-abuse.org",      // Trend Micro, its older zones
    "ers.trendmicro.com",  // Trend Micro Email Reputation
    "trend micro rbl",
    "trend micro email reputation",
    "psbl.org",           // Passive Spam Block List
    "lookup.abusix.com",  // Abusix Mail Intelligence
    "abusix.zone",
    "abusix.org",
    "ipcheck.proofpoint.com",  // Proofpoint Dynamic Reputation; Apple uses it
    "support.proofpoint.com/dnsbl-lookup",
    "csi.cloudmark.com",  // Cloudmark Sender Intelligence, of Proofpoint
    "cloudmark csi",
    "cloudmark sender intelligence",
    "invaluement.com",  // Invaluement
    "spamrats.com",     // SpamRATS
    "mailspike.net",    // Mailspike
    "mailspike.org",
    "s5h.net",    // s5h.net RBL
    "0spam.org",  // 0spam
    "0spam.fusionzero.com",
    "nordspam.com",     // NordSpam
    "senderscore.org",  // Validity, once Return Path
    "senderscore.com",
    "senderscore.net",
    "senderbase.org",  // Cisco SenderBase, Talos Intelligence now
    "talosintelligence.com",
    "sending mta's poor reputation",
    "ipremoval.sms.symantec.com",  // Symantec, later Broadcom
    "fortiguard.com",              // Fortinet
    "manitu.net",                  // NiX Spam, closed in 2025
    "spfbl.net",                   // SPFBL
    "backscatterer.org",           // Backscatterer, of UCEPROTECT
    "dronebl.org",                 // DroneBL
    "wpbl.info",                   // Weighted Private Block List
    "gbudb.net",                   // GBUdb Truncate
    "blocklist.de",                // blocklist.de
    "surbl.org",                   // SURBL, of domains
    "uribl.com",                   // URIBL, of domains
    "blacklist.lashback.com",      // LashBack
    "rbl.rackspace.com",           // Rackspace
    "rbl.websitewelcome.com",      // HostGator

    // Providers with lists of their own.
    "on our block list",  // outlook.com: (S3140), (S3150); older SC-001
    "(s3140)",
    "(s3150)",
    "banned sending ip",                  // Microsoft 365: 5.7.606 to 5.7.649
    "sender.office.com",                  // Microsoft 365, where to ask for removal
    "traffic not accepted from this ip",  // Microsoft 365: 5.7.708
    "unusual rate of unsolicited",        // Google: 5.7.28
    "reputation of the sending ip",       // Google: 5.7.1
    "ip address is block listed",         // GMX, WEB.DE, mail.com, IONOS
    "ip address is black listed",         // the same, before
    "@rx.t-online.de",                    // Telekom, its contact address; it accepts mail from hosts that it knows
    "abuse_rbl@",                         // AT&T
    "comcast block for spam",             // Comcast
    "[bl21]",                             // Yahoo: listed by Spamhaus
    "[bl23]",
};

/// The only pattern of the reference that is not a plain text: `dyndns\.com\/.*spam`.
bool tells_of_dyndns(std::string_view text) {
    constexpr std::string_view site = "dyndns.com/";
    const std::size_t at = find_ignoring_case(text, site);
    return at != text.npos && find_ignoring_case(text, "spam", at + site.size()) != text.npos;
}

bool is_of_domain(char c) {
    return is_alphanumeric(c) || c == '.' || c == '-';
}

}  // namespace

std::size_t Blocklists::hash(const char* text) {
    std::uint32_t word = 0;
    std::memcpy(&word, text, head);
    word |= 0x20202020U;  // folds the case of letters, and some other bytes that the comparison tells apart
    return word * 2654435769U >> (32 - hash_bits);
}

Blocklists::Blocklists(const std::vector<std::string>& more) {
    const auto add = [&](std::string_view text) {
        if (text.size() < head) return;
        std::string lower(text);
        std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
        const std::size_t h = hash(lower.data());
        begins_[h / 64] |= std::uint64_t{1} << h % 64;
        texts_.push_back({h, std::move(lower)});
    };
    for (const std::string_view text : known) add(text);
    for (const std::string& text : more) add(text);
    std::sort(texts_.begin(), texts_.end(), [](const Text& a, const Text& b) { return a.hash < b.hash; });
}

bool Blocklists::matches(std::size_t hash, std::string_view rest) const {
    auto text =
        std::lower_bound(texts_.begin(), texts_.end(), hash, [](const Text& t, std::size_t h) { return t.hash < h; });
    for (; text != texts_.end() && text->hash == hash; ++text)
        if (starts_with_ignoring_case(rest, text->folded)) return true;
    return false;
}

bool Blocklists::mentioned_in(std::string_view reply) const {
    bool in_domain = false;
    for (std::size_t i = 0; i + head <= reply.size(); ++i) {
        const std::size_t h = hash(reply.data() + i);
        if (!in_domain && (begins_[h / 64] >> h % 64 & 1) != 0 && matches(h, reply.substr(i))) return true;
        in_domain = reply[i] == '@' || (in_domain && is_of_domain(reply[i]));
    }
    return tells_of_dyndns(reply);
}

}  // namespace smtpscope::records
