// SPDX-License-Identifier: BSD-3-Clause
#include "mime/quoted_printable.h"

namespace smtpscope::mime {

bool decode_quoted_printable(std::string_view line, std::string& out) {
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    for (;;) {
        const std::size_t equals = line.find('=');
        out += line.substr(0, equals);
        if (equals == line.npos) return true;
        line.remove_prefix(equals + 1);
        if (line.empty()) return false;
        const int high = hex_value(line[0]), low = line.size() > 1 ? hex_value(line[1]) : -1;
        if (high >= 0 && low >= 0) {
            out += static_cast<char>(high << 4 | low);
            line.remove_prefix(2);
        } else {
            out += '=';
        }
    }
}

}  // namespace smtpscope::mime
