// SPDX-License-Identifier: BSD-3-Clause
// One record in the forms that sinks ask for, each made once however many sinks there are.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "format/lines.h"
#include "format/schema.h"
#include "log/hiding.h"
#include "log/policy.h"

namespace smtpscope::log {

class Rendering {
  public:
    /// Memory that is used again for each record; one for each thread.
    struct Buffers {
        std::vector<format::Value> values;
        std::array<std::string, 3> lines;  ///< by Format
        Hidden hidden;
    };

    template <class Record>
    Rendering(const Record& record, Buffers& buffers)
        : stream_(format::stream_of(record)), buffers_(buffers), ts_(record.ts), id_(record.id), record_(&record) {
        format::read_values(record, buffers.values);
        for (std::string& line : buffers.lines) line.clear();
        buffers.hidden.forget();
        summary_ = [](const void* r, const Buffers& b) {
            const Record& plain = *static_cast<const Record*>(r);
            if (!b.hidden.any()) return format::summary(plain);
            Record told = plain;
            b.hidden.write_to(told, b.values);
            return format::summary(told);
        };
    }

    /// False if the policy drops the record.
    bool obey(const Policy& policy) { return policy.apply(stream_, buffers_.values, buffers_.hidden); }

    const format::Stream& stream() const { return stream_; }
    std::span<const format::Value> values() const { return buffers_.values; }

    /// With the line feed.
    std::string_view line(Format format) {
        std::string& line = buffers_.lines[static_cast<std::size_t>(format)];
        if (!line.empty()) return line;
        switch (format) {
            case Format::json:
                format::append_json(line, stream_, values());
                break;
            case Format::tsv:
                format::append_tsv(line, values());
                break;
            case Format::brief:
                if (buffers_.hidden.any())
                    format::append_brief(line, stream_, values(), summary_(record_, buffers_));
                else
                    format::append_brief(line, ts_, id_, summary_(record_, buffers_));
                line += '\n';
                break;
        }
        return line;
    }

  private:
    const format::Stream& stream_;
    Buffers& buffers_;
    Timestamp ts_;
    const ConnId& id_;
    const void* record_;
    std::string (*summary_)(const void* record, const Buffers& buffers);
};

}  // namespace smtpscope::log
