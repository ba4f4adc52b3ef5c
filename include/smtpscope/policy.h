// SPDX-License-Identifier: BSD-3-Clause
// Which mails and files leave no record.
#pragma once

namespace smtpscope {

struct FileInfo;
struct Info;

/// Called by every engine that it is given to, each in its own thread.
class DropPolicy {
  public:
    virtual ~DropPolicy() = default;
    /// Whether it could drop any mail. If not, nothing has to wait for its mail.
    virtual bool may_drop_mails() const = 0;
    /// Whether the mail is dropped, with the records of other streams and the extracted files that belong to it. Counts
    /// it.
    virtual bool drops(const Info& mail) const = 0;
    /// Whether the record is dropped, with the extracted file. Counts it.
    virtual bool drops(const FileInfo& file) const = 0;
};

}  // namespace smtpscope
