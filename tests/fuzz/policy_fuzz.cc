// SPDX-License-Identifier: BSD-3-Clause
// Rules in YAML, a NUL byte, and the content of the fields of records: rules are refused or obeyed, what is hidden is
// in no format of the record, and the time is linear (the fuzzer's limits watch over that).
#include <string>

#include "config/config.h"
#include "fuzz.h"
#include "lines.h"
#include "log/policy.h"

namespace smtpscope {
namespace {

using fuzz::Input;

Info mail(Input& in) {
    const std::uint16_t which = in.u16();
    const auto text = [&in] { return std::string(in.text(in.byte())); };
    const auto maybe = [&](unsigned bit) {
        return (which >> bit & 1) != 0 ? std::optional<std::string>(text()) : std::nullopt;
    };
    Info rec;
    rec.ts = from_nanoseconds(static_cast<std::int64_t>(in.u32()) * 1'000'000'007);
    rec.id.orig_h = *Address::parse("10.1.2.3");
    rec.id.resp_h = *Address::parse("2001:db8::1");
    rec.mailfrom = maybe(0);
    if ((which >> 1 & 1) != 0) {
        rec.rcptto.emplace();
        for (std::uint32_t n = in.below(4); n > 0; --n) rec.rcptto->insert(text());
    }
    rec.subject = maybe(2);
    rec.last_reply = maybe(3);
    rec.helo = maybe(4);
    if ((which >> 5 & 1) != 0) rec.rejected_rcptto.push_back(text());
    if ((which >> 6 & 1) != 0) rec.reply_code = in.u32();
    if ((which >> 7 & 1) != 0) rec.duration = Duration(in.u32());
    return rec;
}

template <class Record>
void check(const log::Policy& policy, const Record& rec) {
    const format::Stream& stream = format::stream_of(rec);
    std::vector<format::Value> values;
    log::Hidden hidden;
    format::read_values(rec, values);
    if (!policy.apply(stream, values, hidden)) return;
    std::string line;
    format::append_json(line, stream, values);
    fuzz::ensure_one_line(line);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& how = hidden.columns()[i];
        if (how == log::Hiding::omit) ENSURE(std::holds_alternative<std::monostate>(values[i]));
        if (how != log::Hiding::sha256 || stream.columns[i].name == "rejected_rcptto") continue;
        if (const auto* text = std::get_if<std::string_view>(&values[i])) ENSURE(text->size() == 64);
    }
    Record told = rec;
    hidden.write_to(told, values);
    format::summary(told);
}

void run(std::string_view data) {
    const std::string_view rules = data.substr(0, data.find('\0'));
    log::Options options;
    try {
        options = config::parse(rules, "fuzz", {}).log;
    } catch (const config::Error&) {
        return;
    }
    options.privacy.key_file.clear();
    const log::Policy policy(options);
    data.remove_prefix(std::min(rules.size() + 1, data.size()));
    Input in(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
    check(policy, mail(in));
    FileInfo file;
    file.filename = std::string(in.text(in.byte()));
    check(policy, file);
    Notice notice;
    notice.note = "SMTP::Blocklist_Blocked_Host";
    notice.sub = std::string(in.rest());
    check(policy, notice);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
