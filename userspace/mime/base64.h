// SPDX-License-Identifier: BSD-3-Clause
// Base64 (RFC 2045, 6.8) as it comes in mail: line by line, cut anywhere, and read as leniently as the reference reads
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::mime {

/// Characters outside the alphabet are skipped. Groups after the padding are ignored. The result does not depend on how
/// the text is cut into calls.
class Base64Decoder {
  public:
    /// Appends what `text` decodes to.
    void decode(std::string_view text, std::string& out);
    /// The same for whole lines, each with its CRLF, which is not part of the text: up to the first that begins with
    /// `--`, as only a delimiter does. Returns how many bytes were taken.
    std::size_t decode_lines(std::string_view lines, std::string& out);
    /// The text is over: completes a group that is still open, as if it were padded.
    void finish(std::string& out);
    /// What is wrong, in the reference's words for `base64_illegal_encoding`: the first error, and at the end an open
    /// group. Each is returned once.
    std::optional<std::string> take_error();
    /// Whether take_error() would return something.
    bool has_error() const { return error_ != Error::none; }

  private:
    enum class Error : std::uint8_t { none, character, after_padding, incomplete };

    char* make_room(std::size_t length, std::string& out) const;
    template <bool lines>
    const char* whole_groups(const char* in, const char* end, char*& out) const;
    void character(char c, char*& out);
    void complete_group(char*& out);
    void note(Error error, std::uint8_t detail);

    std::uint32_t group_ = 0;   ///< six bits of each character so far
    std::uint8_t size_ = 0;     ///< characters of the group
    std::uint8_t padding_ = 0;  ///< of them, padding
    bool ended_ = false;        ///< a group was padded
    bool said_ = false;         ///< an error was noted
    Error error_ = Error::none;
    std::uint8_t detail_ = 0;
};

}  // namespace smtpscope::mime
