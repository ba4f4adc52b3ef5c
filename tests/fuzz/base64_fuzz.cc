// SPDX-License-Identifier: BSD-3-Clause
// Base64: the fast way, input cut anywhere, and whole lines at once give the same as one character at a time.
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

void note(mime::Base64Decoder& decoder, Result& out) {
    if (const auto error = decoder.take_error()) out.errors += *error + "\n";
}

template <typename Step>
Result decode(std::string_view text, Step step) {
    mime::Base64Decoder decoder;
    Result out;
    while (!text.empty()) {
        const std::string_view piece = text.substr(0, step());
        decoder.decode(piece, out.bytes);
        note(decoder, out);
        text.remove_prefix(piece.size());
    }
    decoder.finish(out.bytes);
    note(decoder, out);
    return out;
}

/// The text as lines, without what looks like a delimiter.
Result decode_lines(std::string_view text, fuzz::Random& random) {
    std::string lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, 1 + random.below(100));
        text.remove_prefix(line.size());
        lines += line;
        lines += "\r\n";
    }
    mime::Base64Decoder decoder;
    Result out;
    ENSURE(decoder.decode_lines(lines, out.bytes) == lines.size());
    note(decoder, out);
    decoder.finish(out.bytes);
    note(decoder, out);
    return out;
}

void run(fuzz::Input in) {
    fuzz::Random random(in.u16());
    const std::string_view text = in.rest();
    const Result whole = decode(text, [&] { return text.size(); });
    ENSURE(whole == decode(text, [] { return std::size_t{1}; }));
    ENSURE(whole == decode(text, [&] { return std::size_t{1} + random.below(40); }));
    if (text.find_first_of("-\r") == text.npos) ENSURE(whole == decode_lines(text, random));
    ENSURE(whole.bytes.size() <= text.size() / 4 * 3 + 3);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
