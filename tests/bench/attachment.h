// SPDX-License-Identifier: BSD-3-Clause
// How the attachments of the benchmarks begin: as those of nearly all mail, in a way that tells their type at once. A
// type that only libmagic knows costs four tenths of a millisecond more, once a file.
#pragma once

#include <string_view>

namespace smtpscope::bench {

/// A line of base64 with the beginning of a PDF document.
constexpr std::string_view first_line =
    "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgPj4K\r\n";

}  // namespace smtpscope::bench
