// SPDX-License-Identifier: BSD-3-Clause
// Records for the tests of what becomes of them.
#pragma once

#include <cstdint>
#include <string>

#include "smtpscope/records.h"

namespace smtpscope::test {

/// One that its uid tells from others.
inline Info record(std::uint64_t number) {
    Info r;
    r.uid = "C" + std::to_string(number);
    r.id = {*Address::parse("10.0.0.1"), 40000, *Address::parse("10.0.0.2"), 25};
    return r;
}

}  // namespace smtpscope::test
