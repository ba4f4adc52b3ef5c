// SPDX-License-Identifier: BSD-3-Clause
#include "config/keys.h"

#include <iterator>

#include "config/codecs.h"
#include "config/rules.h"
#include "config/sinks.h"

namespace smtpscope::config {
namespace {

constexpr Name<capture::ChecksumMode> checksum_modes[] = {{"validate", capture::ChecksumMode::validate},
                                                          {"ignore", capture::ChecksumMode::ignore}};
constexpr Name<Host> hosts[] = {
    {"LOCAL_HOSTS", Host::local}, {"REMOTE_HOSTS", Host::remote}, {"ALL_HOSTS", Host::all}, {"NO_HOSTS", Host::none}};
constexpr Name<log::Preset> presets[] = {{"plain", log::Preset::plain},
                                         {"no-content", log::Preset::no_content},
                                         {"pseudonymous", log::Preset::pseudonymous}};
constexpr Name<HashAlgorithm> hashes[] = {
    {"md5", HashAlgorithm::md5}, {"sha1", HashAlgorithm::sha1}, {"sha256", HashAlgorithm::sha256}};
constexpr Name<files::ExtractWhat> extract_what[] = {
    {"parts", files::ExtractWhat::parts}, {"messages", files::ExtractWhat::messages}, {"all", files::ExtractWhat::all}};
constexpr Name<ExtraField> extra_fields[] = {{"subject_decoded", ExtraField::subject_decoded},
                                             {"from_decoded", ExtraField::from_decoded},
                                             {"message_bytes", ExtraField::message_bytes},
                                             {"duration", ExtraField::duration},
                                             {"queue_id", ExtraField::queue_id},
                                             {"reply_code", ExtraField::reply_code},
                                             {"enhanced_status", ExtraField::enhanced_status},
                                             {"rejected_rcptto", ExtraField::rejected_rcptto},
                                             {"auth_mechanism", ExtraField::auth_mechanism},
                                             {"auth_user", ExtraField::auth_user},
                                             {"auth_success", ExtraField::auth_success},
                                             {"direction", ExtraField::direction},
                                             {"community_id", ExtraField::community_id},
                                             {"tls_version", ExtraField::tls_version},
                                             {"extensions", ExtraField::extensions},
                                             {"process_uid", ExtraField::process_uid},
                                             {"process_user", ExtraField::process_user},
                                             {"process_unit", ExtraField::process_unit},
                                             {"container", ExtraField::container},
                                             {"missed_bytes", ExtraField::missed_bytes},
                                             {"ignored_bytes", ExtraField::ignored_bytes},
                                             {"incomplete", ExtraField::incomplete}};
static_assert(std::size(extra_fields) == std::size_t{1} + static_cast<std::size_t>(ExtraField::incomplete));

// The ring holds at least a few of the largest records; its upper bound keeps a typing error from pinning all memory.
constexpr std::uint64_t least_ring = std::uint64_t{64} << 10, most_ring = std::uint64_t{1} << 30;
constexpr std::uint64_t least_verdicts = 1024, most_verdicts = std::uint64_t{1} << 22;

using Ports = List<Number<1, 65535>, Empty::refused>;
using C = Config;
using capture::Options;
using A = AnalyzerOptions;
using N = NoticeOptions;
using E = files::ExtractOptions;

constexpr std::uint64_t most_tracked = std::uint64_t{1} << 24;

/// A text that is searched for in replies: shorter ones occur in too many of them.
struct NoticeText : Text {
    static void parse(const YAML::Node& node, std::string& into) {
        Text::parse(node, into);
        if (into.size() < 4)
            throw BadValue(node, "\"" + into + "\" is too short to tell anything; use four characters or more.");
    }
};

constexpr Key<Config> keys[] = {
    fixed(key<List<Interface, Empty::refused>, &C::capture, &Options::interfaces>("capture.interfaces")),
    fixed(key<Ports, &C::capture, &Options::ports>("capture.ports")),
    fixed(key<Enum<capture::xdp_mode_names>, &C::capture, &Options::xdp_mode>("capture.xdp_mode")),
    fixed(key<Enum<checksum_modes>, &C::capture, &Options::checksums>("capture.checksums")),
    fixed(key<Size<least_ring, most_ring>, &C::capture, &Options::ring_size>("capture.ring_size")),
    fixed(key<Number<1, 64>, &C::capture, &Options::shards>("capture.shards")),
    fixed(key<Number<least_verdicts, most_verdicts>, &C::capture, &Options::verdicts>("capture.verdicts")),
    fixed(key<Size<>, &C::capture, &Options::wake_watermark>("capture.wake_watermark")),

    key<Enum<hosts>, &C::analyzer, &A::mail_path_capture>("analyzer.mail_path_capture"),
    key<Bool, &C::analyzer, &A::mail_transaction_validation>("analyzer.mail_transaction_validation"),
    key<Number<>, &C::analyzer, &A::max_invalid_mail_transactions>("analyzer.max_invalid_mail_transactions"),
    key<Number<>, &C::analyzer, &A::max_rcptto_addresses>("analyzer.max_rcptto_addresses"),
    key<Number<>, &C::analyzer, &A::max_to_addresses>("analyzer.max_to_addresses"),
    key<Number<>, &C::analyzer, &A::max_cc_addresses>("analyzer.max_cc_addresses"),
    key<Number<>, &C::analyzer, &A::max_path_length>("analyzer.max_path_length"),
    key<Size<>, &C::analyzer, &A::max_message_bytes>("analyzer.max_message_bytes"),
    key<Networks, &C::analyzer, &A::local_nets>("analyzer.local_nets"),
    key<Set<Enum<extra_fields>>, &C::analyzer, &A::extra_fields>("analyzer.extra_fields"),
    key<Enum<hosts>, &C::analyzer, &A::detect_clients_in_messages_from>("analyzer.detect_clients_in_messages_from"),
    key<List<Text>, &C::analyzer, &A::webmail_user_agents>("analyzer.webmail_user_agents"),

    key<Number<>, &C::mime, &MimeOptions::max_depth>("mime.max_depth"),
    key<Size<>, &C::mime, &MimeOptions::max_header_bytes>("mime.max_header_bytes"),

    key<Bool, &C::files, &FileOptions::enabled>("files.enabled"),
    key<List<Enum<hashes>>, &C::files, &FileOptions::hashes>("files.hashes"),
    key<Bool, &C::files, &FileOptions::rfc822_messages>("files.rfc822_messages"),

    fixed(key<Bool, &C::extract, &E::enabled>("files.extract.enabled")),
    fixed(key<Path, &C::extract, &E::directory>("files.extract.directory")),
    fixed(key<Enum<extract_what>, &C::extract, &E::what>("files.extract.what")),
    fixed(key<Size<>, &C::extract, &E::max_bytes>("files.extract.max_bytes")),
    fixed(key<Number<>, &C::extract, &E::max_files>("files.extract.max_files")),
    fixed(key<Size<>, &C::extract, &E::max_total>("files.extract.max_total")),
    fixed(key<Size<>, &C::extract, &E::min_free>("files.extract.min_free")),

    key<List<NoticeText>, &C::notices, &N::blocklist_texts>("notices.blocklist_texts"),
    key<Networks, &C::notices, &N::suspicious_origination_networks>("notices.suspicious_origination_networks"),
    key<Number<>, &C::notices, &N::rejected_recipients>("notices.rejected_recipients"),
    key<Number<>, &C::notices, &N::failed_auths>("notices.failed_auths"),
    key<Time, &C::notices, &N::burst_window>("notices.burst_window"),
    key<Time, &C::notices, &N::suppression_interval>("notices.suppression_interval"),
    key<Number<8, most_tracked>, &C::notices, &N::max_hosts>("notices.max_hosts"),
    key<Number<8, most_tracked>, &C::notices, &N::max_suppressed>("notices.max_suppressed"),

    key<Enum<hosts>, &C::software, &SoftwareOptions::asset_tracking>("software.asset_tracking"),
    key<Time, &C::software, &SoftwareOptions::repeat_interval>("software.repeat_interval"),
    key<Number<8, most_tracked>, &C::software, &SoftwareOptions::max_tracked>("software.max_tracked"),

    key<Enum<log::level_names>, &C::log, &log::Options::level>("log.level"),
    key<Sinks, &C::log, &log::Options::sinks>("log.sinks"),
    key<Rules, &C::log, &log::Options::policy>("log.policy"),
    key<Enum<presets>, &C::log, &log::Options::privacy, &log::Privacy::preset>("log.privacy.preset"),
    key<OptionalPath, &C::log, &log::Options::privacy, &log::Privacy::key_file>("log.privacy.key_file"),

    key<Number<>, &C::limits, &Limits::flows>("limits.flows"),
    key<Size<>, &C::limits, &Limits::memory>("limits.memory"),
    key<Size<>, &C::limits, &Limits::flow_memory>("limits.flow_memory"),
    key<Size<>, &C::limits, &Limits::fragment_memory>("limits.fragment_memory"),
    key<Size<>, &C::limits, &Limits::waiting_memory>("limits.waiting_memory"),
    key<Size<>, &C::limits, &Limits::line_length>("limits.line_length"),
    key<Number<>, &C::limits, &Limits::pending_commands>("limits.pending_commands"),
    key<Time, &C::limits, &Limits::idle_timeout>("limits.idle_timeout"),
    key<Time, &C::limits, &Limits::handshake_timeout>("limits.handshake_timeout"),
    key<Time, &C::limits, &Limits::gap_timeout>("limits.gap_timeout"),

    fixed(key<SocketPath, &C::control_socket>("control.socket")),
};

}  // namespace

const Table<Config>& table() {
    static constexpr Table<Config> all{keys};
    return all;
}

}  // namespace smtpscope::config
