// SPDX-License-Identifier: BSD-3-Clause
// The running agent: packets from the kernel through the analysis to the sinks. The worker analyses, the writer writes,
// and the main thread does everything that may wait: signals, reload, interfaces, the control socket.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/control_socket.h"
#include "agent/flows.h"
#include "agent/losses.h"
#include "agent/owners.h"
#include "agent/reload.h"
#include "agent/service_manager.h"
#include "agent/status.h"
#include "agent/verdicts.h"
#include "agent/worker.h"
#include "agent/writer.h"
#include "capture/capture.h"
#include "config/config.h"

namespace smtpscope::agent {

/// The command line, which also applies to every reload.
struct Invocation {
    std::string config_path;              ///< empty: the default file, if it is there
    std::vector<std::string> overrides;   ///< of --set
    std::vector<std::string> interfaces;  ///< of -i; empty: those of the configuration

    /// Throws config::Error, or std::runtime_error if a place that it names cannot be used.
    config::Config load() const;
    /// The file that is loaded, absolute.
    std::string file() const { return config::absolute_path(config_path); }
};

class Agent {
  public:
    /// Opens the sinks and begins the capture. Throws config::Error, capture::Error, SocketInUse or std::runtime_error.
    Agent(Invocation invocation, const capture::OpenCapture& open);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    /// Until SIGTERM or SIGINT, or until the capture fails; false if it has. The log says how many
    /// records a sink had not taken at the end.
    bool run();

  private:
    void open_control_socket();
    void announce();
    void handle_signals();
    void tick();
    void follow_interfaces();
    void report();
    void tell(const Status& s);
    std::string reload();
    void apply(const config::Config& wanted);
    bool shut_down();
    bool wait_for(int fd, std::chrono::steady_clock::time_point deadline);
    void start_workers(const Hooks& hooks);
    EngineOptions worker_options(const config::Config& config) const;
    std::string stop_workers(std::chrono::steady_clock::time_point deadline);
    bool all_alive();
    [[noreturn]] void abandon();
    std::string answer(std::string_view request);
    std::string answer_flows(std::string_view number, std::string (*form)(const FlowList&));
    FlowList flows(std::size_t limit);
    Status status() const;

    const Invocation invocation_;
    config::Config config_;  ///< in effect
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    Descriptor signals_;
    ServiceManager service_;
    std::unique_ptr<ControlSocket> control_;
    std::unique_ptr<Writer> writer_;
    std::shared_ptr<const DropPolicy> policy_;     ///< of the writer's newest output
    std::unique_ptr<files::Extractor> extractor_;  ///< nullptr if nothing is extracted
    Owners owners_;
    std::unique_ptr<capture::Capture> capture_;
    std::unique_ptr<Verdicts> verdicts_;
    std::vector<std::unique_ptr<Worker>> workers_;  ///< one for each shard

    std::vector<capture::Attachment> attachments_;  ///< as they were logged last
    LossWatch loss_watch_;
    std::uint64_t ticks_ = 0;
    Timestamp loaded_ = std::chrono::system_clock::now();  ///< config_
    std::uint64_t reloads_ = 0;
    Refusal refusal_;                         ///< of the last reload
    std::vector<std::string> needs_restart_;  ///< keys, as of the last reload that was not refused
    std::string follow_error_;
    bool stopping_ = false;
    bool asked_ = false;   ///< by a signal, to end: the exit status is 0 then, whatever could not be written
    bool ending_ = false;  ///< there is nothing left to reload
};

}  // namespace smtpscope::agent
