// SPDX-License-Identifier: BSD-3-Clause
// DIRECTORY/STREAM.log: created when there is something to write, rotated by size and age.
#pragma once

#include <memory>
#include <string>

#include "log/archiver.h"
#include "log/line_writer.h"

namespace smtpscope::log {

class FileWriter final : public LineWriter {
  public:
    /// `options` and `archiver`, which takes care of files that were rotated away, outlive the writer. Removes an
    /// earlier file when the options say so.
    FileWriter(const WriterContext& context, const SinkOptions& options, Archiver& archiver);
    ~FileWriter() override;
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    void write(std::string_view lines) override;
    void reopen() override;

  private:
    bool open();
    bool is_of_another_format() const;
    bool set_aside();
    void close();
    bool begin_file();
    bool may_rotate() const;
    bool is_deleted() const;
    bool is_due() const;
    void rotate();
    std::size_t fitting(std::string_view lines) const;
    bool append(std::string_view bytes);
    void drop(std::string_view lines);

    WriterContext context_;
    const SinkOptions& options_;
    Archiver& archiver_;
    std::string path_;
    int fd_ = -1;
    std::uint64_t size_ = 0;        ///< of the file
    std::uint64_t empty_size_ = 0;  ///< of a file without records: the header
    Timestamp born_{};
    Timestamp rotate_again_{};  ///< not before this time: the last attempt failed
    std::string error_;         ///< of the last attempt that failed
};

}  // namespace smtpscope::log
