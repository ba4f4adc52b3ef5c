// SPDX-License-Identifier: BSD-3-Clause
// A record of any stream as a value that can be kept for later.
#pragma once

#include <cstddef>
#include <variant>

#include "smtpscope/record_sink.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

/// In the order of format::streams().
using Record = std::variant<Info, Weird, FileInfo, SslInfo, Notice, Software>;

/// Bytes that a record holds, roughly: the strings and the structures around them.
std::size_t footprint(const Record& record);

/// Calls the sink's function for it.
inline void deliver(const Info& rec, RecordSink& to) {
    to.smtp(rec);
}
inline void deliver(const Weird& rec, RecordSink& to) {
    to.weird(rec);
}
inline void deliver(const FileInfo& rec, RecordSink& to) {
    to.file(rec);
}
inline void deliver(const SslInfo& rec, RecordSink& to) {
    to.ssl(rec);
}
inline void deliver(const Notice& rec, RecordSink& to) {
    to.notice(rec);
}
inline void deliver(const Software& rec, RecordSink& to) {
    to.software(rec);
}
void deliver(const Record& record, RecordSink& to);

}  // namespace smtpscope::records
