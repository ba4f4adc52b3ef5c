// SPDX-License-Identifier: BSD-3-Clause
// Where the records go.
#pragma once

#include "smtpscope/records.h"

namespace smtpscope {

/// Takes the records of all streams, in the order of events, from within the functions of the engine.
class RecordSink {
  public:
    virtual ~RecordSink() = default;
    virtual void smtp(const Info& rec) = 0;
    virtual void weird(const Weird& rec) = 0;
    virtual void file(const FileInfo& rec) = 0;
    virtual void ssl(const SslInfo& rec) = 0;
    virtual void notice(const Notice& rec) = 0;
    virtual void software(const Software& rec) = 0;
};

}  // namespace smtpscope
