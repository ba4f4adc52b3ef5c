// SPDX-License-Identifier: BSD-3-Clause
// What a file is, by its content.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace smtpscope::files {

/// MIME types by the first bytes of a file, under the reference's names.
class TypeDetector {
  public:
    static constexpr std::size_t beginning = 4096;  ///< bytes that are looked at, as many as the reference looks at

    TypeDetector();
    ~TypeDetector();
    TypeDetector(TypeDetector&&) noexcept;
    TypeDetector& operator=(TypeDetector&&) noexcept;

    /// nullopt if nothing is known: an empty file, no kind of file that has a name, or no database on this machine.
    std::optional<std::string> detect(std::string_view content);
    /// Why there is no database; empty if there is one, or if none was needed so far.
    const std::string& error() const { return error_; }

  private:
    struct Close;
    struct Database;

    std::unique_ptr<Database> database_;  ///< loaded when it is needed: that takes milliseconds
    std::string error_;
};

/// Whether a text is just that: of printable characters, and without anything at its beginning that some format of
/// text begins with. What is not plain is the database's business.
bool is_plain_text(std::string_view content);

}  // namespace smtpscope::files
