// SPDX-License-Identifier: BSD-3-Clause
// Everything about the analysis that can be configured, with its defaults. In every limit 0 means: no limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "smtpscope/address.h"
#include "smtpscope/notices.h"
#include "smtpscope/site.h"
#include "smtpscope/software.h"
#include "smtpscope/time.h"

namespace smtpscope {

class DropPolicy;

/// The fields of Info that the reference does not have.
enum class ExtraField : std::uint8_t {
    subject_decoded,
    from_decoded,
    message_bytes,
    duration,
    queue_id,
    reply_code,
    enhanced_status,
    rejected_rcptto,
    auth_mechanism,
    auth_user,
    auth_success,
    direction,
    community_id,
    tls_version,
    extensions,
    process_uid,
    process_user,
    process_unit,
    container,
    missed_bytes,
    ignored_bytes,
    incomplete,
};

/// A set of them.
class ExtraFields {
  public:
    bool contains(ExtraField f) const { return (bits_ >> static_cast<unsigned>(f) & 1) != 0; }
    void insert(ExtraField f) { bits_ |= std::uint32_t{1} << static_cast<unsigned>(f); }
    static ExtraFields all() {
        ExtraFields fields;
        fields.bits_ = (std::uint32_t{2} << static_cast<unsigned>(ExtraField::incomplete)) - 1;
        return fields;
    }
    bool operator==(const ExtraFields&) const = default;

  private:
    std::uint32_t bits_ = 0;
};

/// `analyzer:` in the configuration; the options of the reference's SMTP script.
struct AnalyzerOptions {
    Host mail_path_capture = Host::all;
    bool mail_transaction_validation = true;
    std::uint64_t max_invalid_mail_transactions = 25;
    std::size_t max_rcptto_addresses = 1000;
    std::size_t max_to_addresses = 1000;
    std::size_t max_cc_addresses = 1000;
    std::size_t max_path_length = 1000;
    std::uint64_t max_message_bytes = 0;  ///< of one message; the rest is not captured
    SubnetSet local_nets = private_address_space();
    ExtraFields extra_fields = ExtraFields::all();
    Host detect_clients_in_messages_from = Host::local;
    std::vector<std::string> webmail_user_agents{
        "^iPlanet Messenger", "^Sun Java(tm) System Messenger Express", "(IMP)", "^SquirrelMail", "^NeoMail",
        "ZimbraWebClient"};  ///< substrings; ^ anchors one at the beginning
};

/// `mime:` in the configuration.
struct MimeOptions {
    std::size_t max_depth = 100;
    std::size_t max_header_bytes = 65536;  ///< of one header field, folded lines included
};

enum class HashAlgorithm : std::uint8_t { md5, sha1, sha256 };

/// `files:` in the configuration.
struct FileOptions {
    bool enabled = true;  ///< false: bodies are not analyzed, and the files stream is empty
    std::vector<HashAlgorithm> hashes{HashAlgorithm::sha256};  ///< of every file
    bool rfc822_messages = false;                              ///< a message is a file too, the parent of its parts
};

/// `limits:` in the configuration: bounds on what one peer can make the agent hold.
struct Limits {
    std::size_t flows = 262144;                   ///< connections followed at once; the least recently used is evicted
    std::size_t memory = std::size_t{256} << 20;  ///< bytes held for out-of-order data, all connections together
    std::size_t flow_memory = std::size_t{4} << 20;      ///< the same for one direction of one connection
    std::size_t fragment_memory = std::size_t{4} << 20;  ///< bytes held for IP fragments; the oldest are evicted
    /// Bytes of records that wait for their mail; one connection may have a sixteenth of this. Beyond it, records are
    /// lost.
    std::size_t waiting_memory = std::size_t{64} << 20;
    std::size_t line_length = std::size_t{2} << 20;         ///< of a command, reply or body line, in bytes
    std::size_t pending_commands = 1000;                    ///< sent and not yet answered
    Duration idle_timeout = std::chrono::minutes(15);       ///< RFC 5321, 4.5.3.2 allows up to ten between commands
    Duration handshake_timeout = std::chrono::seconds(10);  ///< a SYN without data
    Duration gap_timeout = std::chrono::milliseconds(500);  ///< how long an acknowledged hole may still be filled
};

struct EngineOptions {
    AnalyzerOptions analyzer;
    MimeOptions mime;
    FileOptions files;
    NoticeOptions notices;
    SoftwareOptions software;
    Limits limits;
    std::shared_ptr<const DropPolicy> policy;  ///< nullptr: nothing is dropped
    std::vector<std::uint16_t> likely_server_ports{std::begin(default_smtp_ports), std::end(default_smtp_ports)};
    bool validate_checksums = true;
    std::uint64_t uid_seed = 0;  ///< mixed into every uid; the same trace and seed give the same uids
};

}  // namespace smtpscope
