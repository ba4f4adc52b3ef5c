// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace smtpscope::mime {

/// A header field's value with its encoded words (RFC 2047) decoded, as valid UTF-8. Characters that are split between
/// adjacent words are put together; a word that is malformed, or in an unknown charset, stays as it is.
std::string decode_encoded_words(std::string_view value);

}  // namespace smtpscope::mime
