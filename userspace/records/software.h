// SPDX-License-Identifier: BSD-3-Clause
// Which software sends mail, by the name that it gives itself: the reference's policy/protocols/smtp/software and
// base/frameworks/software.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/host_table.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"
#include "smtpscope/software.h"

namespace smtpscope::records {

/// Whether one of the patterns is in `user_agent`, at its beginning if the pattern begins with `^`.
bool matches_webmail(std::string_view user_agent, const std::vector<std::string>& patterns);

/// Sets name and version by `unparsed_version`, exactly as the reference's Software::parse does; time is linear.
void parse_version(Software& software);

/// The client that a record tells of, or the webmail server where `is_webmail` is set, at the host that it runs on;
/// name and version are not parsed yet. nullopt if the record tells of none, or of one that the options leave out.
std::optional<Software> detect(const Info& rec, const AnalyzerOptions& analyzer, const SoftwareOptions& software);

/// Decides which software of a host is recorded: each version once per repeat interval.
class SoftwareTracker {
  public:
    /// `seed` as for Notices.
    SoftwareTracker(const SoftwareOptions& options, std::uint64_t seed);

    /// False if the same software was seen on the same host within the repeat interval; to be called once for each.
    bool is_news(const Software& found);
    /// Forgets what was seen if the size of the table changes.
    void set_options(const SoftwareOptions& options);

  private:
    SoftwareOptions options_;
    std::uint64_t seed_;
    RecentKeys told_;
};

}  // namespace smtpscope::records
