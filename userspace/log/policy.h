// SPDX-License-Identifier: BSD-3-Clause
// `log.policy` and `log.privacy` at work: what becomes of a record on its way to the sinks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "files/keyed_hash.h"
#include "format/schema.h"
#include "log/hiding.h"
#include "log/matcher.h"
#include "log/options.h"
#include "smtpscope/policy.h"

namespace smtpscope::log {

/// A rule whose fields are columns of its stream.
class CompiledRule {
  public:
    /// Throws std::invalid_argument if the rule is invalid; those of the configuration are known to be valid.
    CompiledRule(const Rule& rule, const format::Stream& stream);

    bool applies(std::span<const format::Value> values) const;
    Action action() const { return action_; }

    struct HiddenColumn {
        std::size_t column;
        Hiding how;
    };
    const std::vector<HiddenColumn>& hide() const { return hide_; }

  private:
    struct Comparison {
        std::size_t column;
        Matcher matcher;
    };
    std::vector<Comparison> when_;
    std::vector<HiddenColumn> hide_;
    Action action_;
};

class Policy final : public DropPolicy {
  public:
    /// Throws std::runtime_error if the key cannot be read.
    explicit Policy(const Options& options);

    bool may_drop_mails() const override;
    bool drops(const Info& mail) const override { return drops_all(mail); }
    bool drops(const FileInfo& file) const override { return drops_all(file); }

    /// False if the record is dropped, which is counted. Otherwise hides what is to be hidden of its values, which then
    /// live as long as `hidden` is left alone. Thread-safe.
    bool apply(const format::Stream& stream, std::vector<format::Value>& values, Hidden& hidden) const;

    /// The streams as they are written: where addresses may be hashes the column is one of strings.
    std::span<const format::Stream> streams() const { return streams_; }
    /// Records dropped, by stream.
    std::vector<std::uint64_t> dropped() const;

  private:
    struct StreamRules {
        std::vector<CompiledRule> rules;
        std::vector<CompiledRule> preset;
        bool drop_all = false;  ///< a rule drops more than the record
        mutable std::atomic<std::uint64_t> dropped{0};
    };
    void add(const Rule& rule, std::vector<CompiledRule> StreamRules::*where);
    template <class Record>
    bool drops_all(const Record& record) const;
    static bool decide(const StreamRules& of, std::span<const format::Value> values, Hidden& hidden);

    files::KeyedHash hash_;
    std::vector<format::Stream> streams_;
    std::vector<StreamRules> rules_;  ///< by stream
};

/// nullptr if nothing is dropped or hidden. Throws std::runtime_error.
std::shared_ptr<const Policy> make_policy(const Options& options);

}  // namespace smtpscope::log
