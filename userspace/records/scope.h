// SPDX-License-Identifier: BSD-3-Clause
// What the parts of one session share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files/file.h"
#include "smtpscope/engine.h"
#include "smtpscope/options.h"
#include "smtpscope/records.h"

namespace smtpscope::records {

class Notices;
class SoftwareTracker;

/// What the sessions of one engine share.
struct Context {
    const EngineOptions* options;
    RecordSink* sink;
    const Hooks* hooks;
    EngineStats* stats;
    files::Context* files;
    Notices* notices;
    SoftwareTracker* software;
};

class Scope {
  public:
    Scope(const Context& shared, const ConnId& conn, std::string name)
        : context(&shared), id(conn), uid(std::move(name)) {}
    virtual ~Scope() = default;

    const AnalyzerOptions& options() const { return context->options->analyzer; }
    /// `name`, `source`: static strings. Each name once a session, because the reference ignores repetitions.
    void weird(std::string_view name, std::string_view addl, std::string_view source);
    /// The record that the message being received belongs to; nullptr if that is gone.
    virtual Info* message_info() = 0;

    const Context* context;
    ConnId id;
    std::string uid;
    Timestamp now{};
    State state;
    std::uint64_t files = 0;  ///< begun in this session

  private:
    std::vector<std::string_view> weirds_;  ///< names that were reported
};

}  // namespace smtpscope::records
