// SPDX-License-Identifier: BSD-3-Clause
// RFC 2047 words and RFC 2231 parameters: what comes out is text of a bounded size, whatever goes in.
#include <string>

#include "fuzz.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/parameter.h"

namespace smtpscope {
namespace {

void run(fuzz::Input in) {
    const std::uint8_t what = in.byte();
    const std::string_view value = in.rest();
    if (what % 2 == 0) {
        const std::string text = mime::decode_encoded_words(value);
        ENSURE(mime::valid_utf8(text) == text);
        ENSURE(text.size() <= 8 * value.size());  // an octet can become a few of UTF-8, in no charset more
        if (value.find("=?") == value.npos) ENSURE(text == mime::valid_utf8(value));
        return;
    }
    for (const auto& name : {mime::filename_of_disposition(value), mime::filename_of_content_type(value)}) {
        if (!name) continue;
        ENSURE(name->size() <= mime::max_filename_length);
    }
    // The name is found wherever other parameters are.
    std::string quoted;
    for (const char c : value.substr(0, 200))
        if (c != '"' && c != '\\' && c != '\r' && c != '\n') quoted += c;
    if (quoted.find("=?") != quoted.npos) return;
    const auto found = mime::filename_of_disposition("attachment; a=\"filename=b\"; filename=\"" + quoted + "\"; c=d");
    ENSURE(found && *found == quoted);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
