// SPDX-License-Identifier: BSD-3-Clause
// The configuration: a text is refused with its place, or read to a value that its dump gives back.
#include <string>

#include "config/config.h"
#include "fuzz.h"

namespace smtpscope {
namespace {

/// `NAME:LINE:COLUMN: message`
bool names_place(const std::string& message) {
    unsigned line = 0, column = 0;
    return std::sscanf(message.c_str(), "fuzz:%u:%u: ", &line, &column) == 2 && line > 0 && column > 0;
}

void run(std::string_view text) {
    std::string dumped;
    try {
        dumped = config::dump(config::parse(text, "fuzz", {}));
    } catch (const config::Error& e) {
        ENSURE(names_place(e.what()));
        return;
    }
    ENSURE(config::dump(config::parse(dumped, "dumped", {})) == dumped);
}

}  // namespace
}  // namespace smtpscope

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    smtpscope::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
