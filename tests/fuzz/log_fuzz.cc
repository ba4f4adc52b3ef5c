// SPDX-License-Identifier: BSD-3-Clause
// Records with any bytes in them, in every format: no input can break a line or forge a record.
#include "fuzz.h"
#include "lines.h"

namespace smtpscope {
namespace {

using fuzz::Input;

void run(Input in) {
    const std::uint16_t which = in.u16();
    const auto text = [&in] { return std::string(in.text(in.byte())); };
    const auto maybe = [&](unsigned bit) {
        return (which >> bit & 1) != 0 ? std::optional<std::string>(text()) : std::nullopt;
    };
    const auto set = [&](unsigned bit) {
        std::optional<StringSet> out;
        if ((which >> bit & 1) == 0) return out;
        out.emplace();
        for (std::uint32_t n = in.below(4); n > 0; --n) out->insert(text());
        return out;
    };
    Info rec;
    rec.ts = from_nanoseconds(static_cast<std::int64_t>(in.u32()) * 1'000'000'007);
    rec.uid = "Cabc";
    rec.mailfrom = maybe(0);
    rec.rcptto = set(1);
    rec.subject = maybe(2);
    rec.helo = maybe(3);
    rec.last_reply = maybe(4);
    rec.to = set(5);
    rec.cc = set(6);
    rec.user_agent = maybe(7);
    rec.first_received = maybe(8);
    rec.date = maybe(9);
    rec.tls = (which >> 10 & 1) != 0;
    if ((which >> 11 & 1) != 0) rec.is_webmail = true;
    if ((which >> 12 & 1) != 0) rec.fuids.push_back(text());
    fuzz::check_lines(rec);

    Weird weird;
    weird.ts = rec.ts;
    weird.name = text();
    weird.addl = text();
    weird.source = text();
    fuzz::check_lines(weird);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
