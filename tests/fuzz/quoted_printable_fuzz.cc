// SPDX-License-Identifier: BSD-3-Clause
// Quoted-printable: compared with a plain decoder that takes an octet at a time.
#include <string>

#include "base/ascii.h"
#include "fuzz.h"
#include "mime/quoted_printable.h"

namespace smtpscope {
namespace {

bool plain_reading(std::string line, std::string& out) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.pop_back();
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '=') {
            out += line[i];
        } else if (i + 1 == line.size()) {
            return false;
        } else if (i + 2 < line.size() && hex_value(line[i + 1]) >= 0 && hex_value(line[i + 2]) >= 0) {
            out += static_cast<char>(std::stoi(line.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            out += '=';
        }
    }
    return true;
}

void run(fuzz::Input in) {
    const std::string_view line = in.rest();
    std::string fast = "x", plain = "x";
    const bool ends = mime::decode_quoted_printable(line, fast);
    ENSURE(ends == plain_reading(std::string(line), plain));
    ENSURE(fast == plain);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({data, size});
    return 0;
}
