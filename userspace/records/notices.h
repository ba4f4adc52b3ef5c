// SPDX-License-Identifier: BSD-3-Clause
// Events of all sessions of an engine to notices: the reference's policy/protocols/smtp/{blocklists,
// detect-suspicious-orig}, and bursts and smuggled messages, which it does not have.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "records/blocklists.h"
#include "records/host_table.h"
#include "smtpscope/notices.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

struct NoticeStats {
    std::uint64_t emitted = 0;
    std::uint64_t suppressed = 0;     ///< equal ones were reported within the suppression interval
    std::uint64_t evicted_hosts = 0;  ///< while they were being counted, because of NoticeOptions::max_hosts
};

class Notices {
  public:
    using Emit = std::function<void(const Notice&)>;

    /// `seed` decides which hosts share a set of a table; it should not be known to peers.
    Notices(const NoticeOptions& options, std::uint64_t seed, Emit emit);

    /// One line of a reply. `SMTP::Blocklist_Error_Message`, or `SMTP::Blocklist_Blocked_Host` if the first address in
    /// its text is the originator's; once for each originator in a suppression interval.
    void reply(const ConnId& id, std::string_view uid, Timestamp ts, std::uint16_t code, std::string_view text);
    /// A record as it is written. `SMTP::Suspicious_Origination` for X-Originating-IP and for the end of the path;
    /// never suppressed, as in the reference.
    void record(const Info& rec);
    /// `SMTP::Rejected_Recipients_Burst`: many recipients of one host (IPv6: a /64) were refused in a short time.
    void rejected_recipient(const ConnId& id, std::string_view uid, Timestamp ts);
    /// `SMTP::Auth_Failure_Burst`, the same for AUTH.
    void failed_auth(const ConnId& id, std::string_view uid, Timestamp ts);
    /// `SMTP::Message_Smuggling`: one message hid another behind `how`, which not all servers take for the end of data.
    /// Once for each originator and `how`.
    void smuggled(const ConnId& id, std::string_view uid, Timestamp ts, std::string_view how);

    /// Tables whose size and window do not change keep their contents.
    void set_options(const NoticeOptions& options);
    NoticeStats stats() const;
    std::size_t hosts() const { return recipients_.hosts() + auths_.hosts(); }

  private:
    /// Part of the key of a suppressed notice.
    enum class Kind : std::uint8_t { blocklist_error, blocked_host, smuggling };

    bool is_suppressed(Kind kind, const Address& host, std::uint64_t detail, Timestamp ts);
    void burst(BurstTable& table, std::uint32_t threshold, const ConnId& id, std::string_view uid, Timestamp ts,
               std::string_view note, std::string_view what);
    void emit(const ConnId& id, std::string_view uid, Timestamp ts, std::string_view note, std::string msg,
              std::string_view sub, std::uint64_t n);
    std::int64_t suppression() const;

    NoticeOptions options_;
    std::uint64_t seed_;
    Emit emit_;
    Blocklists blocklists_;
    RecentKeys told_;
    BurstTable recipients_, auths_;
    NoticeStats stats_;                 ///< except evicted_hosts
    std::uint64_t evicted_before_ = 0;  ///< from tables that were replaced
};

}  // namespace smtpscope::records
