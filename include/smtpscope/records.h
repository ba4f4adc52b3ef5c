// SPDX-License-Identifier: BSD-3-Clause
// What the analysis says: one Info for each mail transaction, one Weird for each oddity. Names and meaning are those of
// the reference's SMTP::Info, SMTP::State and Weird::Info.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "smtpscope/address.h"
#include "smtpscope/time.h"

namespace smtpscope {

/// The two ends of a connection; the originator sent the first SYN.
struct ConnId {
    Address orig_h;
    std::uint16_t orig_p = 0;
    Address resp_h;
    std::uint16_t resp_p = 0;
    bool operator==(const ConnId&) const = default;
};

/// A set of strings that keeps the order of insertion. Look-up is linear while small, hashed from then on.
class StringSet {
  public:
    /// False if it was in the set already.
    bool insert(std::string value);
    bool contains(std::string_view value) const;
    std::size_t size() const { return items_.size(); }
    std::size_t bytes() const { return bytes_; }  ///< of all strings together
    bool empty() const { return items_.empty(); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }
    bool operator==(const StringSet& other) const { return items_ == other.items_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
    };
    std::vector<std::string> items_;
    std::size_t bytes_ = 0;
    std::unordered_set<std::string, Hash, std::equal_to<>> index_;  ///< empty until items_ outgrows a linear search
};

/// The reference's SMTP::Entity.
struct Entity {
    std::optional<std::string> filename;
};

/// One mail transaction. Header values are raw: unfolded, not decoded; they may hold any byte but CR and LF.
struct Info {
    Timestamp ts;     ///< when the transaction was first seen
    std::string uid;  ///< of the connection
    ConnId id;
    std::uint64_t trans_depth = 0;    ///< 1 for the first message of a connection
    std::optional<std::string> helo;  ///< argument of the last HELO or EHLO
    std::optional<std::string> mailfrom;
    std::optional<StringSet> rcptto;
    std::optional<std::string> date;
    std::optional<std::string> from;
    std::optional<StringSet> to;
    std::optional<StringSet> cc;
    std::optional<std::string> reply_to;
    std::optional<std::string> msg_id;
    std::optional<std::string> in_reply_to;
    std::optional<std::string> subject;
    std::optional<Address> x_originating_ip;
    std::optional<std::string> first_received;  ///< of the first server on the way: the last Received field
    std::optional<std::string> second_received;
    std::optional<std::string> last_reply;  ///< code and text of the last reply to this transaction
    std::vector<Address> path;              ///< this connection's ends, then those of the Received fields
    std::optional<std::string> user_agent;
    bool tls = false;
    std::vector<std::string> fuids;  ///< files of the message, in their order
    std::optional<bool> is_webmail;

    // Not logged, as in the reference.
    bool process_received_from = true;  ///< path still grows
    bool has_client_activity = false;   ///< there is something to log
    bool process_smtp_headers = true;   ///< false from the first sub-entity on
    std::uint64_t entity_count = 0;
    std::optional<Entity> entity;  ///< the one being received
};

/// What a session remembers across its transactions.
struct State {
    std::optional<std::string> helo;
    std::uint64_t messages_transferred = 0;
    bool trans_mail_from_seen = false;
    bool trans_rcpt_to_seen = false;
    std::uint64_t invalid_transactions = 0;
    std::uint64_t mime_depth = 0;  ///< entities seen in this session
};

/// An oddity, by the reference's name for it.
struct Weird {
    Timestamp ts;
    std::string uid;
    ConnId id;
    std::string name;
    std::string addl;    ///< details; may be empty
    std::string source;  ///< SMTP, SMTP_BDAT, CONTENTLINE, TCP; may be empty
};

/// One line for people: `sender -> recipient (plus N others): subject`; empty without sender or recipient.
std::string describe(const Info& rec);

}  // namespace smtpscope
