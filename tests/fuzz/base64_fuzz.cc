// SPDX-License-Identifier: BSD-3-Clause
// Base64: the fast way and any cutting give what one character at a time gives.
#include <string>

#include "fuzz.h"
#include "mime/base64.h"

namespace smtpscope {
namespace {

struct Result {
    std::string bytes;
    std::string errors;
    bool operator==(const Result&) const = default;
};

template <typename Step>
Result decode(std::string_view text, Step step) {
    mime::Base64Decoder decoder;
    Result out;
    const auto note = [&] {
        if (const auto error = decoder.take_error()) out.errors += *error + "\n";
    };
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, step());
        decoder.decode(piece, out.bytes);
        note();
        text.remove_prefix(piece.size());
    }
    decoder.finish(out.bytes);
    note();
    return out;
}

void run(fuzz::Input in) {
    fuzz::Random random(in.u16());
    const std::string_view text = in.rest();
    const Result whole = decode(text, [&] { return text.size(); });
    ENSURE(whole == decode(text, [] { return std::size_t{1}; }));
    ENSURE(whole == decode(text, [&] { return std::size_t{1} + random.below(40); }));
    ENSURE(whole.bytes.size() <= text.size() / 4 * 3 + 3);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
