// SPDX-License-Identifier: BSD-3-Clause
// Just enough of JSON for the agent's own documents: structure and numbers. Texts are escaped as in records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace smtpscope::agent {

/// The text that JsonWriter has written between quotes.
std::string unquoted(std::string_view written);

class JsonWriter {
  public:
    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name);
    JsonWriter& value(std::string_view text);
    JsonWriter& value(std::uint64_t number);
    JsonWriter& value(double number);  ///< with three decimals

    const std::string& text() const { return text_; }

  private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string text_;
    bool need_comma_ = false;
};

}  // namespace smtpscope::agent
