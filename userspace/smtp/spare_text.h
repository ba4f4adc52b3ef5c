// SPDX-License-Identifier: BSD-3-Clause
// Text that most sessions do not have: as large as a pointer until some comes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace smtpscope::smtp {

class SpareText {
  public:
    bool empty() const { return !text_ || text_->empty(); }
    std::size_t size() const { return text_ ? text_->size() : 0; }
    /// Valid until it changes.
    std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }

    SpareText& operator+=(std::string_view more) {
        if (!text_) text_ = std::make_unique<std::string>();
        *text_ += more;
        return *this;
    }
    void remove_prefix(std::size_t length) { text_->erase(0, length); }
    /// Keeps the memory for later text.
    void clear() {
        if (text_) text_->clear();
    }

  private:
    std::unique_ptr<std::string> text_;
};

}  // namespace smtpscope::smtp
