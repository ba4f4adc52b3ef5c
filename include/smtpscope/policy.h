// SPDX-License-Identifier: BSD-3-Clause
// Which mails and files are to leave nothing behind.
#pragma once

namespace smtpscope {

struct FileInfo;
struct Info;

/// Asked by every engine that it is given to, each in a thread of its own.
class DropPolicy {
  public:
    virtual ~DropPolicy() = default;
    /// Whether there is a mail that it could drop. If not, nothing has to wait for its mail.
    virtual bool may_drop_mails() const = 0;
    /// The mail goes, and with it the records of other streams and the extracted files that belong to it. Counts it.
    virtual bool drops(const Info& mail) const = 0;
    /// The record goes, and with it what was extracted. Counts it.
    virtual bool drops(const FileInfo& file) const = 0;
};

}  // namespace smtpscope
