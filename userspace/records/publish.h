// SPDX-License-Identifier: BSD-3-Clause
// The last steps of an smtp record.
#pragma once

#include "records/scope.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

/// The fields that follow from others.
void derive(Info& rec, const AnalyzerOptions& options);

/// Passes the record to the sink, and to everything that learns from records. `rec` is of a mail that is kept.
void publish(const Context& context, const Info& rec);

}  // namespace smtpscope::records
