// SPDX-License-Identifier: BSD-3-Clause
// What the parts of one session share.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "files/file.h"
#include "records/circumstances.h"
#include "records/companions.h"
#include "records/draft.h"
#include "records/record_stats.h"
#include "records/shared.h"
#include "records/uid.h"
#include "smtpscope/hooks.h"
#include "smtpscope/options.h"
#include "smtpscope/record_sink.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

class Notices;
class SoftwareTracker;

/// What the sessions of one engine share.
struct Context {
    const EngineOptions* options;
    RecordSink* sink;
    const Hooks* hooks;
    RecordStats* stats;
    files::Context* files;
    Notices* notices;
    SoftwareTracker* software;
    Shared<std::string>* extensions;
    Owners* owners;
    WaitingRoom* waiting;
};

class Scope {
  public:
    Scope(const Context& shared, const ConnId& conn, Timestamp begin) : context(&shared), id(conn), begin_(begin) {}
    virtual ~Scope() = default;

    const AnalyzerOptions& options() const { return context->options->analyzer; }
    /// Computed each time, because most sessions need it once.
    std::string uid() const { return make_uid(context->options->uid_seed, id, begin_); }
    /// `name`, `source`: static strings. Each name once a session, because the reference ignores repetitions.
    void weird(std::string_view name, std::string_view addl, std::string_view source);
    /// It may be reported again, because it was dropped.
    void untell(std::string_view name);
    /// The record of a file of the message being received, whose content has ended.
    void file(FileInfo&& rec, ContentSink::Handle content);
    /// The record that the message being received belongs to; nullptr if that is closed.
    virtual Draft* message_draft() = 0;
    /// Keeps a record of a stream other than smtp until its mail has been decided on.
    virtual void hold(Record&& record, ContentSink::Handle content) = 0;

    const Context* context;
    ConnId id;
    Timestamp now{};
    State state;
    std::uint64_t files = 0;  ///< begun in this session

  protected:
    /// Passes on a record of a stream other than smtp: at once, or when its mail has been decided on.
    template <class Rec>
    void tell(Rec&& rec, ContentSink::Handle content = ContentSink::none) {
        if (context->waiting->is_open())
            hold(std::forward<Rec>(rec), content);
        else
            context->waiting->deliver(rec, content);
    }

  private:
    Timestamp begin_;
    std::unique_ptr<std::vector<std::string_view>>
        weirds_;  ///< nullptr as long as there are none; names that were reported
};

}  // namespace smtpscope::records
