// SPDX-License-Identifier: BSD-3-Clause
#include "agent/counters.h"

#include <iterator>

#include "format/schema.h"

namespace smtpscope::agent {

namespace {

/// Whether the table has each count of the struct once; `other`: bytes of the struct that are not counts.
template <class Stats>
constexpr bool is_complete(std::span<const Count<Stats>> table, std::size_t other = 0) {
    for (std::size_t i = 0; i < table.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (table[i].member == table[j].member || table[i].name == table[j].name) return false;
    return table.size() * sizeof(std::uint64_t) + other == sizeof(Stats);
}

constexpr Count<EngineStats> engine_counts[] = {
    {"packets", &EngineStats::packets},
    {"bytes", &EngineStats::bytes},
    {"segments", &EngineStats::segments},
    {"not_tcp", &EngineStats::not_tcp},
    {"not_mail", &EngineStats::not_mail},
    {"malformed", &EngineStats::malformed, "packets malformed"},
    {"fragments", &EngineStats::fragments},
    {"fragments_reassembled", &EngineStats::fragments_reassembled},
    {"fragments_repeated", &EngineStats::fragments_repeated},
    {"fragments_expired", &EngineStats::fragments_expired, "fragments without the rest of their packets"},
    {"fragments_overlapping", &EngineStats::fragments_overlapping, "fragments that overlap"},
    {"fragments_invalid", &EngineStats::fragments_invalid, "fragments invalid"},
    {"fragments_evicted", &EngineStats::fragments_evicted, "fragments given up for memory"},
    {"fragments_cut", &EngineStats::fragments_cut, "fragments not wholly captured"},
    {"fragments_held", &EngineStats::fragments_held},
    {"packets_reassembled", &EngineStats::packets_reassembled},
    {"bad_checksums", &EngineStats::bad_checksums},
    {"stray", &EngineStats::stray},
    {"flows_opened", &EngineStats::flows_opened},
    {"flows_open", &EngineStats::flows_open},
    {"flows_ignored", &EngineStats::flows_ignored},
    {"flows_evicted", &EngineStats::flows_evicted, "sessions evicted"},
    {"gaps", &EngineStats::gaps},
    {"gap_bytes", &EngineStats::gap_bytes, "bytes missing in sessions"},
    {"overload_bytes", &EngineStats::overload_bytes, "bytes given up for memory"},
    {"skipped_bytes", &EngineStats::skipped_bytes},
    {"smtp_records", &EngineStats::smtp_records},
    {"vetoed_records", &EngineStats::vetoed_records},
    {"weirds", &EngineStats::weirds},
    {"files", &EngineStats::files},
    {"tls_handshakes", &EngineStats::tls_handshakes},
    {"notices", &EngineStats::notices},
    {"notices_suppressed", &EngineStats::notices_suppressed},
    {"notice_hosts_evicted", &EngineStats::notice_hosts_evicted},
    {"software", &EngineStats::software},
    {"users_late", &EngineStats::users_late},
    {"units_late", &EngineStats::units_late},
    {"dropped_with_mail", &EngineStats::dropped_with_mail},
    {"dropped_without_mail", &EngineStats::dropped_without_mail},
    {"dropped_waiting", &EngineStats::dropped_waiting, "records given up while they waited for their mail"},
    {"memory_held", &EngineStats::memory_held},
    {"fragment_memory", &EngineStats::fragment_memory},
    {"waiting_memory", &EngineStats::waiting_memory},
};
static_assert(is_complete<EngineStats>(engine_counts), "a count of the engine is missing here, or is here twice");

constexpr Count<CgroupIndexStats> cgroup_counts[] = {
    {"folders", &CgroupIndexStats::folders},
    {"left_out", &CgroupIndexStats::left_out},
    {"readings", &CgroupIndexStats::readings},
    {"unknown", &CgroupIndexStats::unknown},
};
static_assert(is_complete<CgroupIndexStats>(cgroup_counts), "a count of cgroups is missing here, or is here twice");

using files::ExtractStats;
constexpr std::string_view no_room = "files not extracted for want of room";
constexpr Count<ExtractStats> extraction_counts[] = {
    {"written", &ExtractStats::written},
    {"bytes", &ExtractStats::bytes},
    {"cut_off", &ExtractStats::cut_off, "files cut off"},
    {"limit_files", &ExtractStats::limit_files, no_room},
    {"limit_total", &ExtractStats::limit_total, no_room},
    {"no_room", &ExtractStats::no_room, no_room},
    {"queue_full", &ExtractStats::queue_full, "files not extracted because the disk was too slow"},
    {"discarded", &ExtractStats::discarded},
    {"failed", &ExtractStats::failed, lost_to_file_system},
};
static_assert(is_complete<ExtractStats>(extraction_counts, sizeof(std::string)),  // last_error
              "a count of extraction is missing here, or is here twice");

}  // namespace

std::span<const Count<EngineStats>> counts_of(const EngineStats&) {
    return engine_counts;
}
std::span<const Count<CgroupIndexStats>> counts_of(const CgroupIndexStats&) {
    return cgroup_counts;
}
std::span<const Count<ExtractStats>> counts_of(const ExtractStats&) {
    return extraction_counts;
}

std::vector<NamedCount> named(const QueueStats& s) {
    std::vector<NamedCount> all{{"pending", s.pending}, {"pending_bytes", s.pending_bytes}};
    for (std::size_t i = 0; i < s.dropped.size(); ++i)
        all.push_back({"dropped_" + std::string(format::stream_names()[i]), s.dropped[i]});
    return all;
}

std::vector<NamedCount> named_policy(const std::vector<std::uint64_t>& dropped) {
    std::vector<NamedCount> all;
    for (std::size_t i = 0; i < dropped.size(); ++i)
        all.push_back({"dropped_" + std::string(format::stream_names()[i]), dropped[i]});
    return all;
}

}  // namespace smtpscope::agent
