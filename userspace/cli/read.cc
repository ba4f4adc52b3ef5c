// SPDX-License-Identifier: BSD-3-Clause
#include "cli/read.h"

#include <memory>
#include <string>
#include <utility>

#include "cli/options.h"
#include "cli/read_progress.h"
#include "files/extract.h"
#include "files/type.h"
#include "log/output.h"
#include "smtpscope/capture_file.h"
#include "smtpscope/engine.h"

namespace smtpscope::cli {
namespace {

constexpr std::string_view read_usage =
    R"(usage: smtpscope read [OPTION]... TRACE...

Writes a record for each mail transaction in capture files (pcap, pcapng; - is standard input). The records go to
standard output, or with --log-dir to a file for each stream, which replaces what an earlier run left there.

  -C, --ignore-checksums
                        accept wrong checksums (captures of outgoing packets have them)
      --format FORMAT   json (the default), tsv (as Zeek writes it) or brief
      --log-dir DIR     write DIR/smtp.log, DIR/weird.log, ..., where there is something to write
)";

struct ReadOptions {
    bool ignore_checksums = false;
    log::Format format = log::Format::json;
    std::string log_dir;
};

log::Format parse_format(const std::string& name) {
    if (const auto format = value_in(log::format_names, name)) return *format;
    throw UsageError("--format " + name + ": there is no such format; choose json, tsv or brief.");
}

/// The only sink of `read`: the sinks of the configuration are for the agent; policy and privacy apply to both.
log::Options output_options(const ReadOptions& options, const log::Options& configured) {
    log::SinkOptions sink;
    sink.format = options.format;
    if (!options.log_dir.empty()) {
        sink.type = log::SinkType::file;
        sink.directory = options.log_dir;
        sink.replace = true;
    }
    log::Options all = configured;
    all.sinks = {std::move(sink)};
    return all;
}

/// One trace from its first packet to its last record. False, with a message, if it ends early.
bool read_trace(const std::string& path, CaptureFile& file, const EngineOptions& options, log::Output& output,
                ContentSink* content, EngineStats& sum) {
    Hooks hooks;
    hooks.content = content;
    Engine engine(options, output, nullptr, std::move(hooks));
    Progress progress(path, file);
    bool whole = true;
    try {
        CaptureFile::Status status = CaptureFile::Status::more;
        while (status == CaptureFile::Status::more) {
            status = file.read([&engine](const Packet& p) { engine.packet(p); });
            progress.update();
        }
        if (status == CaptureFile::Status::truncated) {
            progress.clear();
            complain(path + ": the file ends within a packet, after " + std::to_string(engine.stats().packets) +
                     " whole ones; what is recorded ends there.");
            whole = false;
        }
    } catch (const CaptureFileError& e) {
        progress.clear();
        complain(e.what());
        whole = false;
    }
    engine.finish();
    sum += engine.stats();
    return whole;
}

/// Whether every record was written; says which were not.
bool all_written(const log::Output& output) {
    std::uint64_t dropped = 0;
    for (const log::SinkStatus& sink : output.status()) {
        if (sink.dropped == 0) continue;
        dropped += sink.dropped;
        complain(std::to_string(sink.dropped) + " records could not be written: " + sink.last_loss);
    }
    return dropped == 0;
}

/// Whether no file was lost to an error; a file that a limit keeps out is none.
bool all_extracted(const files::Extractor& extractor) {
    const files::ExtractStats stats = extractor.stats();
    if (stats.failed > 0) complain(std::to_string(stats.failed) + " files could not be written: " + stats.last_error);
    return stats.failed == 0;
}

/// Records that are missing because the policy could not decide on them, or not in time.
void tell_of_undecided(const EngineStats& stats) {
    if (stats.dropped_waiting > 0)
        complain(std::to_string(stats.dropped_waiting) +
                 " records of files and oddities are missing: more of them waited for their mail than "
                 "limits.waiting_memory allows.");
    if (stats.dropped_without_mail > 0)
        complain(std::to_string(stats.dropped_without_mail) +
                 " records of files and oddities are missing: of their mail too little was captured for log.policy to "
                 "decide on.");
}

}  // namespace

int run_read(int argc, char** argv) {
    ReadOptions options;
    const auto arguments =
        parse(argc, argv, read_usage, Configurable::yes,
              {{'C', "ignore-checksums", nullptr, [&](const std::string&) { options.ignore_checksums = true; }},
               {0, "format", "FORMAT", [&](const std::string& v) { options.format = parse_format(v); }},
               {0, "log-dir", "DIR", [&](const std::string& v) { options.log_dir = v; }}});
    if (!arguments) return exit_done;
    if (arguments->operands.empty()) throw UsageError("name a capture file to read, or - for standard input.");

    const config::Config config = arguments->load_config();
    log::set_level(config.log.level);
    EngineOptions engine_options = config.engine_options();
    if (options.ignore_checksums) engine_options.validate_checksums = false;

    if (const std::string error = files::type_database_error(); config.files.enabled && !error.empty())
        log::message(log::Level::warning, error);
    bool good = true;
    std::unique_ptr<files::Extractor> extractor;
    if (config.extract.enabled)
        extractor = std::make_unique<files::Extractor>(config.extract, files::Extractor::WhenFull::wait);
    EngineStats stats;
    std::unique_ptr<log::Output> output;  // opened with the first trace, so that a mistyped name costs no old log
    for (const std::string& trace : arguments->operands) {
        try {
            CaptureFile file(trace);
            if (!output) output = std::make_unique<log::Output>(output_options(options, config.log));
            engine_options.policy = output->drop_policy();
            good = read_trace(trace, file, engine_options, *output, extractor.get(), stats) && good;
            ++engine_options.uid_seed;  // the same connection in two traces is two connections
        } catch (const CaptureFileError& e) {
            complain(e.what());
            good = false;
        }
    }
    if (output) {
        output->flush();
        good = all_written(*output) && good;
    }
    tell_of_undecided(stats);
    if (extractor) good = all_extracted(*extractor) && good;
    return good ? exit_done : exit_failed;
}

}  // namespace smtpscope::cli
