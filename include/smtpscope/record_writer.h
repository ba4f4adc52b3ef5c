// SPDX-License-Identifier: BSD-3-Clause
// Records as lines of text: JSON, and TSV as Zeek writes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "smtpscope/record_sink.h"
#include "smtpscope/time.h"

namespace smtpscope {

/// A sink that makes one line of each record. Whatever bytes the mail had, a line is printable text with one line feed,
/// at its end. For one thread at a time.
class RecordWriter final : public RecordSink {
  public:
    enum class Format : std::uint8_t { json, tsv };
    /// Takes a line, valid during the call. What it throws is passed on. `stream`: of record_streams().
    using Take = std::function<void(std::string_view stream, std::string_view line)>;

    RecordWriter(Format format, Take take);
    ~RecordWriter() override;
    RecordWriter(const RecordWriter&) = delete;
    RecordWriter& operator=(const RecordWriter&) = delete;

    void smtp(const Info& rec) override;
    void weird(const Weird& rec) override;
    void file(const FileInfo& rec) override;
    void ssl(const SslInfo& rec) override;
    void notice(const Notice& rec) override;
    void software(const Software& rec) override;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// `smtp`, `weird`, `files`, ...
std::span<const std::string_view> record_streams();

/// The lines that a TSV file begins with, and the one that it ends with. The times are local ones. Throws
/// std::invalid_argument if there is no such stream.
std::string tsv_header(std::string_view stream, Timestamp opened);
std::string tsv_footer(Timestamp closed);

}  // namespace smtpscope
