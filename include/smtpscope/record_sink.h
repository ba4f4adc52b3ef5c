// SPDX-License-Identifier: BSD-3-Clause
// Where the records go.
#pragma once

#include "smtpscope/records.h"

namespace smtpscope {

/// Takes the records, in the order of events. The functions of the engine call it, and it must not call them. A stream
/// that is not wanted needs no function, and a stream that a later version adds breaks no program.
class RecordSink {
  public:
    virtual ~RecordSink() = default;
    virtual void smtp(const Info&) {}
    virtual void weird(const Weird&) {}
    virtual void file(const FileInfo&) {}
    virtual void ssl(const SslInfo&) {}
    virtual void notice(const Notice&) {}
    virtual void software(const Software&) {}
};

}  // namespace smtpscope
