// SPDX-License-Identifier: BSD-3-Clause
#include "smtpscope/record_writer.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "format/lines.h"
#include "format/schema.h"

namespace smtpscope {

class RecordWriter::Impl {
  public:
    Impl(Format format, Take take) : format_(format), take_(std::move(take)) {}

    template <class Record>
    void write(const Record& rec) {
        const format::Stream& stream = format::stream_of(rec);
        format::read_values(rec, values_);
        line_.clear();
        if (format_ == Format::json)
            format::append_json(line_, stream, values_);
        else
            format::append_tsv(line_, values_);
        take_(stream.name, line_);
    }

  private:
    const Format format_;
    const Take take_;
    std::vector<format::Value> values_;
    std::string line_;
};

RecordWriter::RecordWriter(Format format, Take take) : impl_(std::make_unique<Impl>(format, std::move(take))) {}
RecordWriter::~RecordWriter() = default;

void RecordWriter::smtp(const Info& rec) {
    impl_->write(rec);
}
void RecordWriter::weird(const Weird& rec) {
    impl_->write(rec);
}
void RecordWriter::file(const FileInfo& rec) {
    impl_->write(rec);
}
void RecordWriter::ssl(const SslInfo& rec) {
    impl_->write(rec);
}
void RecordWriter::notice(const Notice& rec) {
    impl_->write(rec);
}
void RecordWriter::software(const Software& rec) {
    impl_->write(rec);
}

std::span<const std::string_view> record_streams() {
    return format::stream_names();
}

std::string tsv_header(std::string_view stream, Timestamp opened) {
    const auto all = format::streams();
    const auto found = std::find_if(all.begin(), all.end(), [&](const format::Stream& s) { return s.name == stream; });
    if (found == all.end())
        throw std::invalid_argument("there is no stream " + std::string(stream) + "; record_streams() has them all.");
    return format::tsv_header(*found, opened);
}

std::string tsv_footer(Timestamp closed) {
    return format::tsv_footer(closed);
}

}  // namespace smtpscope
