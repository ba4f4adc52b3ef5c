// SPDX-License-Identifier: BSD-3-Clause
#include "records/publish.h"

#include "mime/encoded_word.h"
#include "records/community_id.h"
#include "records/notices.h"
#include "records/software.h"

namespace smtpscope::records {

namespace {

/// As seen from the local networks; nullptr if neither end is in them.
const char* direction_of(const ConnId& id, const SubnetSet& local_nets) {
    const bool from_us = local_nets.contains(id.orig_h), to_us = local_nets.contains(id.resp_h);
    if (from_us) return to_us ? "local" : "outbound";
    return to_us ? "inbound" : nullptr;
}

}  // namespace

void derive(Info& rec, const AnalyzerOptions& options) {
    const auto wants = [&](ExtraField f) { return options.extra_fields.contains(f); };
    if (wants(ExtraField::subject_decoded) && rec.subject)
        rec.subject_decoded = mime::decode_encoded_words(*rec.subject);
    if (wants(ExtraField::from_decoded) && rec.from) rec.from_decoded = mime::decode_encoded_words(*rec.from);
    if (wants(ExtraField::direction)) {
        if (const char* direction = direction_of(rec.id, options.local_nets)) rec.direction = direction;
    }
    if (wants(ExtraField::community_id)) rec.community_id = community_id(rec.id);
}

void publish(const Context& context, const Info& rec) {
    context.sink->smtp(rec);
    context.waiting->speak_of(nullptr);
    context.notices->record(rec);
    if (auto found = detect(rec, context.options->analyzer, context.options->software);
        found && context.software->is_news(*found)) {
        parse_version(*found);
        ++context.stats->software;
        context.sink->software(*found);
    }
    if (context.hooks->log_smtp) context.hooks->log_smtp(rec);
}

}  // namespace smtpscope::records
