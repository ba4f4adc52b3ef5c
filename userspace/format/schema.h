// SPDX-License-Identifier: BSD-3-Clause
// The record streams as tables of fields. JSON, TSV and journald all follow from them: a new field is one line in
// schema.cc; a new stream is a table there, an overload of each function below, and a function of RecordSink.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "smtpscope/records.h"

namespace smtpscope::format {

/// One field of one record, as a view into it; monostate: not set.
using Value = std::variant<std::monostate, bool, std::uint64_t, Timestamp, Duration, std::string_view, Address,
                           std::span<const std::string>, std::span<const Address>>;

/// A field of a stream, with what the formats derive from its name.
struct Column {
    std::string name;         ///< `id.orig_h`
    std::string type;         ///< as in the header of a TSV file: `addr`
    std::string json_key;     ///< `"id.orig_h":`
    std::string journal_key;  ///< `SMTP_ID_ORIG_H=`
};

/// What the sinks know of a stream.
struct Stream {
    std::string_view name;  ///< `smtp`
    std::size_t index = 0;  ///< in streams()
    int priority = 6;       ///< in the journal: a number of syslog(3)
    std::vector<Column> columns;
};

/// All of them, in a fixed order.
std::span<const Stream> streams();

/// Their names, in the same order.
const std::vector<std::string_view>& stream_names();

/// The index of the field in the stream's columns; nullopt if there is none with that name.
std::optional<std::size_t> find_column(const Stream& stream, std::string_view name);

const Stream& stream_of(const Info&);
const Stream& stream_of(const Weird&);
const Stream& stream_of(const FileInfo&);
const Stream& stream_of(const SslInfo&);
const Stream& stream_of(const Notice&);
const Stream& stream_of(const Software&);

/// Replaces `values` by those of the record, one a column. They live as long as the record does.
void read_values(const Info& rec, std::vector<Value>& values);
void read_values(const Weird& rec, std::vector<Value>& values);
void read_values(const FileInfo& rec, std::vector<Value>& values);
void read_values(const SslInfo& rec, std::vector<Value>& values);
void read_values(const Notice& rec, std::vector<Value>& values);
void read_values(const Software& rec, std::vector<Value>& values);

/// Sets the marked values in the record, for summary(): texts as they are; values that are not set become `(hidden)`.
using Marks = std::vector<bool>;  ///< by column
void write_values(std::span<const Value> values, const Marks& marks, Info& rec);
void write_values(std::span<const Value> values, const Marks& marks, Weird& rec);
void write_values(std::span<const Value> values, const Marks& marks, FileInfo& rec);
void write_values(std::span<const Value> values, const Marks& marks, SslInfo& rec);
void write_values(std::span<const Value> values, const Marks& marks, Notice& rec);
void write_values(std::span<const Value> values, const Marks& marks, Software& rec);

/// The record in a few words, without time and addresses; bytes are as they came from the network.
std::string summary(const Info& rec);
std::string summary(const Weird& rec);
std::string summary(const FileInfo& rec);
std::string summary(const SslInfo& rec);
std::string summary(const Notice& rec);
std::string summary(const Software& rec);

}  // namespace smtpscope::format
